/* Comparing elements of lists. */
#include "base/order.h"

#include <string.h>

int order_texts(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}
