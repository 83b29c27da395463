/* How large an extract may be: what writers keep to and readers refuse beyond. */
#pragma once

enum {
	EXTRACT_MOST_TABLES = 10000,	    /* of one source */
	EXTRACT_LONGEST_DESCRIPTION = 4096, /* characters; readers cut what is longer */
	EXTRACT_MOST_ATTACHED = 16,	    /* remote databases of one source */
};
