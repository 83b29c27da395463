/*
 * What the sample tables hold, as SQL. Every value is a function of the seed, the number of its row
 * and a tag: there is no state, so that threads and order of execution change nothing, and a row of
 * one table can compute what another table says of the row that it refers to.
 */
#pragma once

struct sample_table {
	const char *name;
	const char *select;
};

/*
 * Run once on a connection, after the variables seed, customers, products, campaigns, sessions,
 * leads, orders, tickets and days were set: lists and macros that the tables are made of.
 */
extern const char sample_setup_sql[];

/* Every table; the last has no name. */
extern const struct sample_table sample_tables[];
