/* The order of lists, for qsort() and g_ptr_array_sort(). */
#pragma once

/* Of two pointers to texts: by bytes. */
int order_texts(const void *left, const void *right);
