/* Comparing version numbers. */
#pragma once

/*
 * Less than, equal to or greater than 0 as the first version is older than the second, the same or
 * newer: 0.9 before 0.10, 1.0.dev1 before 1.0a1, b1, rc1, 1.0 and 1.0.post1; 1.0 is 1.0.0. What
 * follows a plus sign does not count.
 */
int version_compare(const char *left, const char *right);
