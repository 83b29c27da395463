/* What the two halves of state/record.h share. */
#pragma once

#include "duck/query.h"
#include "state/record.h"

/* A new record from the current row, whose columns are the type's. */
void *record_read_row(const struct record_type *type, struct duck_rows *rows);

/* The field as a parameter, which borrows from the record. */
struct duck_value record_value(const void *record, const struct record_field *field);
