/* Tables from files in folders of this machine: CSV, JSON and parquet. docs/CONNECTORS.md. */
#pragma once

#include "connectors/connector.h"

extern const struct connector connector_local;
