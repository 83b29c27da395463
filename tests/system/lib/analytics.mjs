// Tables that are made by DuckDB out of nothing, and some hundred analytical queries over them, family by family.
// Sums of floating-point numbers are left out: their last digit depends on the number of threads.

// Always the same pseudo-random number below n, by a seed.
const pick = (seed, n) => `((hash(i * 31 + ${seed}) % ${n})::INT)`;
const word = (seed, ...words) => `[${words.map((each) => `'${each}'`).join(', ')}][${pick(seed, words.length)} + 1]`;

export const TABLES = {
  region: "SELECT i AS r_regionkey, ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'][i + 1] AS r_name FROM range(5) t(i)",
  nation: "SELECT i AS n_nationkey, 'NATION ' || i AS n_name, i % 5 AS n_regionkey FROM range(25) t(i)",
  supplier: `SELECT i AS s_suppkey, 'Supplier#' || i AS s_name, ${pick(1, 25)} AS s_nationkey,
    (${pick(2, 1000000)} / 100)::DECIMAL(12,2) AS s_acctbal, CASE WHEN i % 17 = 0 THEN 'Customer Complaints' ELSE 'ok' END AS s_comment
    FROM range(100) t(i)`,
  customer: `SELECT i AS c_custkey, 'Customer#' || i AS c_name, ${pick(3, 25)} AS c_nationkey,
    ((${pick(4, 1200000)} - 100000) / 100)::DECIMAL(12,2) AS c_acctbal, (10 + ${pick(5, 25)}) || '-' || i AS c_phone,
    ${word(6, 'AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY')} AS c_mktsegment FROM range(1500) t(i)`,
  part: `SELECT i AS p_partkey, ${word(7, 'forest', 'green', 'ivory', 'lemon', 'navy')} || ' ' || ${word(8, 'steel', 'tin', 'brass')} AS p_name,
    'Brand#' || (11 + ${pick(9, 25)}) AS p_brand, ${word(10, 'ECONOMY', 'LARGE', 'PROMO', 'SMALL')} || ' ' || ${word(11, 'BRASS', 'STEEL', 'TIN')} AS p_type,
    1 + ${pick(12, 50)} AS p_size, ${word(13, 'SM CASE', 'MED BOX', 'LG PACK')} AS p_container FROM range(2000) t(i)`,
  partsupp: `SELECT i // 4 AS ps_partkey, (i * 7 + i // 4) % 100 AS ps_suppkey, ${pick(14, 10000)} AS ps_availqty,
    (${pick(15, 100000)} / 100)::DECIMAL(12,2) AS ps_supplycost FROM range(8000) t(i)`,
  orders: `SELECT i AS o_orderkey, ${pick(16, 1500)} AS o_custkey, ${word(17, 'F', 'O', 'P')} AS o_orderstatus,
    (${pick(18, 40000000)} / 100)::DECIMAL(12,2) AS o_totalprice, DATE '1992-01-01' + ${pick(19, 2400)} AS o_orderdate,
    ${word(20, '1-URGENT', '2-HIGH', '3-MEDIUM', '4-LOW', '5-NONE')} AS o_orderpriority,
    CASE WHEN i % 50 = 0 THEN 'special requests' ELSE 'plain' END AS o_comment FROM range(15000) t(i)`,
  lineitem: `SELECT i // 4 AS l_orderkey, ${pick(21, 2000)} AS l_partkey, ${pick(22, 100)} AS l_suppkey, i % 4 + 1 AS l_linenumber,
    1 + ${pick(23, 50)} AS l_quantity, (${pick(24, 10000000)} / 100)::DECIMAL(12,2) AS l_extendedprice,
    (${pick(25, 11)} / 100)::DECIMAL(12,2) AS l_discount, (${pick(26, 9)} / 100)::DECIMAL(12,2) AS l_tax,
    ${word(27, 'A', 'N', 'R')} AS l_returnflag, ${word(28, 'F', 'O')} AS l_linestatus,
    DATE '1992-01-01' + ${pick(29, 2500)} AS l_shipdate, DATE '1992-01-01' + ${pick(30, 2500)} AS l_commitdate,
    DATE '1992-01-01' + ${pick(31, 2500)} AS l_receiptdate, ${word(32, 'AIR', 'MAIL', 'RAIL', 'SHIP', 'TRUCK')} AS l_shipmode,
    ${word(33, 'COLLECT COD', 'DELIVER IN PERSON', 'NONE')} AS l_shipinstruct FROM range(60000) t(i)`,
  date_dim: `SELECT i AS d_date_sk, DATE '1998-01-01' + i::INT AS d_date, year(DATE '1998-01-01' + i::INT) AS d_year,
    month(DATE '1998-01-01' + i::INT) AS d_moy, quarter(DATE '1998-01-01' + i::INT) AS d_qoy, dayname(DATE '1998-01-01' + i::INT) AS d_day_name
    FROM range(1500) t(i)`,
  item: `SELECT i AS i_item_sk, 'ITEM' || lpad(i::VARCHAR, 6, '0') AS i_item_id, ${word(34, 'Books', 'Home', 'Music', 'Sports')} AS i_category,
    ${word(35, 'a', 'b', 'c', 'd', 'e')} AS i_class, (${pick(36, 20000)} / 100)::DECIMAL(7,2) AS i_current_price FROM range(500) t(i)`,
  store: `SELECT i AS s_store_sk, 'Store ' || i AS s_store_name, ${word(37, 'TN', 'CA', 'TX')} AS s_state FROM range(12) t(i)`,
  store_sales: `SELECT ${pick(38, 1500)} AS ss_sold_date_sk, ${pick(39, 500)} AS ss_item_sk, ${pick(40, 1500)} AS ss_customer_sk,
    CASE WHEN i % 97 = 0 THEN NULL ELSE ${pick(41, 12)} END AS ss_store_sk, 1 + ${pick(42, 100)} AS ss_quantity,
    (${pick(43, 20000)} / 100)::DECIMAL(7,2) AS ss_sales_price, ((${pick(44, 40000)} - 10000) / 100)::DECIMAL(7,2) AS ss_net_profit,
    i // 3 AS ss_ticket_number FROM range(40000) t(i)`,
  store_returns: `SELECT ${pick(45, 1500)} AS sr_returned_date_sk, ${pick(39, 500)} AS sr_item_sk, ${pick(40, 1500)} AS sr_customer_sk,
    i // 3 AS sr_ticket_number, (${pick(46, 10000)} / 100)::DECIMAL(7,2) AS sr_return_amt FROM range(40000) t(i) WHERE i % 11 = 0`,
  trades: `SELECT i AS id, ${word(47, 'AAA', 'BBB', 'CCC')} AS symbol, TIMESTAMP '2026-01-01 09:00:00' + INTERVAL (${pick(48, 30000)}) SECOND AS ts,
    1 + ${pick(49, 500)} AS size FROM range(3000) t(i)`,
  quotes: `SELECT ${word(50, 'AAA', 'BBB', 'CCC')} AS symbol, TIMESTAMP '2026-01-01 09:00:00' + INTERVAL (${pick(51, 30000)}) SECOND AS ts,
    (${pick(52, 10000)} / 100)::DECIMAL(9,2) AS price, i AS n FROM range(5000) t(i)`,
  visits: `SELECT i AS id, TIMESTAMPTZ '2025-10-20 00:00:00+00' + INTERVAL (i * 37) MINUTE AS ts,
    ${word(53, 'Europe/Prague', 'America/New_York', 'Asia/Tokyo', 'UTC')} AS zone, ${pick(54, 200)} AS visitor FROM range(4000) t(i)`,
  documents: `SELECT i AS id, CASE WHEN i % 13 = 0 THEN NULL ELSE list_transform(range(i % 7), x -> x * i) END AS numbers,
    {'name': 'n' || i % 10, 'size': i % 4, 'inner': {'flag': i % 2 = 0}} AS info, MAP {'a': i, 'b': i % 5} AS labels,
    json_object('k', i % 6, 'list', [i, i + 1]) AS doc, CASE i % 3 WHEN 0 THEN ['x', 'y'] WHEN 1 THEN [] ELSE ['z', NULL] END AS tags
    FROM range(2000) t(i)`,
};

const times = (variants, make) => variants.map(make);

function tpch() {
  const nation = "JOIN nation ON n_nationkey = c_nationkey JOIN region ON r_regionkey = n_regionkey";
  const revenue = 'sum(l_extendedprice * (1 - l_discount))';
  return [
    ...times([30, 45, 60, 75, 90, 120], (days) => `SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), ${revenue},
      sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), count(*) FROM lineitem
      WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL ${days} DAY GROUP BY ALL ORDER BY ALL`),
    ...times([5, 10, 15, 25, 35, 40], (size) => `SELECT s_acctbal, s_name, p_partkey FROM part, supplier, partsupp, nation, region
      WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND p_size = ${size} AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
      AND ps_supplycost = (SELECT min(ps_supplycost) FROM partsupp WHERE ps_partkey = p_partkey) ORDER BY ALL LIMIT 100`),
    ...times(['BUILDING', 'MACHINERY', 'FURNITURE'], (segment) => `SELECT l_orderkey, ${revenue} AS revenue, o_orderdate FROM customer, orders, lineitem
      WHERE c_mktsegment = '${segment}' AND c_custkey = o_custkey AND l_orderkey = o_orderkey AND o_orderdate < DATE '1995-03-15'
      AND l_shipdate > DATE '1995-03-15' GROUP BY ALL ORDER BY revenue DESC, ALL LIMIT 10`.replace(', ALL LIMIT', ', l_orderkey LIMIT')),
    ...times([1992, 1993, 1994, 1995, 1997], (year) => `SELECT o_orderpriority, count(*) FROM orders WHERE year(o_orderdate) = ${year}
      AND EXISTS (SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate) GROUP BY ALL ORDER BY ALL`),
    ...times(['ASIA', 'EUROPE', 'AMERICA'], (region) => `SELECT n_name, ${revenue} AS revenue FROM customer ${nation}
      JOIN orders ON c_custkey = o_custkey JOIN lineitem ON l_orderkey = o_orderkey JOIN supplier ON s_suppkey = l_suppkey AND s_nationkey = c_nationkey
      WHERE r_name = '${region}' GROUP BY ALL ORDER BY revenue DESC, n_name`),
    ...times([0.02, 0.04, 0.05, 0.06, 0.08], (discount) => `SELECT sum(l_extendedprice * l_discount) FROM lineitem
      WHERE l_discount BETWEEN ${discount} - 0.01 AND ${discount} + 0.01 AND l_quantity < 24`),
    ...times([[1, 2], [7, 9], [12, 3]], ([a, b]) => `SELECT n1.n_name, n2.n_name, year(l_shipdate) AS y, ${revenue} FROM supplier, lineitem, orders, customer, nation n1, nation n2
      WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND c_custkey = o_custkey AND s_nationkey = n1.n_nationkey AND c_nationkey = n2.n_nationkey
      AND ((n1.n_nationkey = ${a} AND n2.n_nationkey = ${b}) OR (n1.n_nationkey = ${b} AND n2.n_nationkey = ${a})) GROUP BY ALL ORDER BY ALL`),
    ...times(['green', 'navy'], (colour) => `SELECT n_name, year(o_orderdate) AS y, sum(l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity)
      FROM part, supplier, lineitem, partsupp, orders, nation WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey AND ps_partkey = l_partkey
      AND p_partkey = l_partkey AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey AND p_name LIKE '%${colour}%' GROUP BY ALL ORDER BY n_name, y DESC`),
    ...times([1, 3, 9, 14, 18], (nationKey) => `SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS v FROM partsupp JOIN supplier ON ps_suppkey = s_suppkey
      WHERE s_nationkey = ${nationKey} GROUP BY ALL HAVING v > (SELECT sum(ps_supplycost * ps_availqty) * 0.0001 FROM partsupp) ORDER BY v DESC, ps_partkey`),
    ...times([['MAIL', 'SHIP'], ['AIR', 'RAIL']], ([a, b]) => `SELECT l_shipmode, sum(CASE WHEN o_orderpriority IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END),
      count(*) FILTER (o_orderpriority NOT IN ('1-URGENT', '2-HIGH')) FROM orders JOIN lineitem ON o_orderkey = l_orderkey
      WHERE l_shipmode IN ('${a}', '${b}') AND l_commitdate < l_receiptdate GROUP BY ALL ORDER BY ALL`),
    `SELECT c_count, count(*) AS custdist FROM (SELECT c_custkey, count(o_orderkey) AS c_count FROM customer LEFT JOIN orders
      ON c_custkey = o_custkey AND o_comment NOT LIKE '%special%requests%' GROUP BY ALL) GROUP BY ALL ORDER BY ALL DESC`,
    ...times([1993, 1994, 1995, 1996], (year) => `SELECT round(100.00 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END) / ${revenue}, 4)
      FROM lineitem JOIN part ON l_partkey = p_partkey WHERE year(l_shipdate) = ${year}`),
    `WITH revenue AS (SELECT l_suppkey AS no, ${revenue} AS total FROM lineitem GROUP BY ALL)
      SELECT s_suppkey, s_name, total FROM supplier JOIN revenue ON s_suppkey = no WHERE total = (SELECT max(total) FROM revenue)`,
    ...times([11, 22, 33], (brand) => `SELECT p_brand, p_type, p_size, count(DISTINCT ps_suppkey) AS n FROM partsupp JOIN part ON p_partkey = ps_partkey
      WHERE p_brand <> 'Brand#${brand}' AND p_size IN (9, 14, 19, 23) AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier WHERE s_comment LIKE '%Complaints%')
      GROUP BY ALL ORDER BY n DESC, ALL`.replace('DESC, ALL', 'DESC, p_brand, p_type, p_size')),
    `SELECT sum(l_extendedprice) FROM lineitem JOIN part p ON p_partkey = l_partkey WHERE l_quantity < (SELECT 0.2 * sum(l_quantity) / count(*) FROM lineitem WHERE l_partkey = p.p_partkey)`,
    ...times([120, 150], (quantity) => `SELECT c_name, o_orderkey, sum(l_quantity) FROM customer, orders, lineitem WHERE o_orderkey IN
      (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey HAVING sum(l_quantity) > ${quantity}) AND c_custkey = o_custkey AND o_orderkey = l_orderkey
      GROUP BY ALL ORDER BY o_orderkey LIMIT 100`),
    `SELECT ${revenue} FROM lineitem, part WHERE p_partkey = l_partkey AND ((p_brand = 'Brand#12' AND l_quantity BETWEEN 1 AND 11) OR
      (p_container = 'MED BOX' AND p_size BETWEEN 1 AND 10)) AND l_shipinstruct = 'DELIVER IN PERSON'`,
    `SELECT s_name FROM supplier WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%')
      AND ps_availqty > (SELECT 0.5 * sum(l_quantity) FROM lineitem WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey)) ORDER BY s_name`,
    `SELECT s_name, count(*) AS numwait FROM supplier, lineitem l1, orders WHERE s_suppkey = l1.l_suppkey AND o_orderkey = l1.l_orderkey AND o_orderstatus = 'F'
      AND l1.l_receiptdate > l1.l_commitdate AND EXISTS (SELECT * FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey)
      AND NOT EXISTS (SELECT * FROM lineitem l3 WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate)
      GROUP BY ALL ORDER BY numwait DESC, s_name LIMIT 100`,
    `SELECT cntrycode, count(*), sum(c_acctbal) FROM (SELECT substring(c_phone FROM 1 FOR 2) AS cntrycode, c_acctbal FROM customer c
      WHERE substring(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29') AND c_acctbal > 0 AND NOT EXISTS (SELECT * FROM orders WHERE o_custkey = c.c_custkey AND o_orderkey < 3000))
      GROUP BY ALL ORDER BY ALL`,
  ];
}

function tpcds() {
  const sales = 'store_sales JOIN date_dim ON ss_sold_date_sk = d_date_sk JOIN item ON ss_item_sk = i_item_sk';
  return [
    ...times([1998, 1999, 2000], (year) => `WITH r AS (SELECT sr_customer_sk AS c, sum(sr_return_amt) AS total FROM store_returns JOIN date_dim ON sr_returned_date_sk = d_date_sk
      WHERE d_year = ${year} GROUP BY ALL) SELECT c, total FROM r WHERE total > (SELECT sum(total) * 1.2 / count(*) FROM r) ORDER BY ALL LIMIT 100`),
    ...times([1, 3, 6, 9, 11, 12], (month) => `SELECT d_year, i_category, sum(ss_sales_price) FROM ${sales} WHERE d_moy = ${month} GROUP BY ALL ORDER BY ALL`),
    ...times(['Books', 'Home', 'Music', 'Sports'], (category) => `SELECT * FROM (SELECT i_class, d_qoy, sum(ss_sales_price) AS s, sum(sum(ss_sales_price)) OVER (PARTITION BY i_class) AS whole
      FROM ${sales} WHERE i_category = '${category}' GROUP BY i_class, d_qoy) ORDER BY ALL`),
    ...times(['TN', 'CA', 'TX'], (state) => `SELECT s_store_name, i_item_id, sum(ss_net_profit) AS p, rank() OVER (PARTITION BY s_store_name ORDER BY sum(ss_net_profit) DESC, i_item_id) AS place
      FROM store_sales JOIN store ON ss_store_sk = s_store_sk JOIN item ON ss_item_sk = i_item_sk WHERE s_state = '${state}' GROUP BY s_store_name, i_item_id QUALIFY place <= 5 ORDER BY s_store_name, place`),
    'SELECT i_category, i_class, grouping(i_category), grouping(i_class), sum(ss_net_profit) FROM ' + sales + ' GROUP BY ROLLUP (i_category, i_class) ORDER BY ALL',
    'SELECT i_category, d_year, d_qoy, sum(ss_quantity) FROM ' + sales + ' GROUP BY CUBE (i_category, d_year, d_qoy) ORDER BY ALL',
    'SELECT d_day_name, s_state, sum(ss_sales_price) FROM ' + sales + ' JOIN store ON ss_store_sk = s_store_sk GROUP BY GROUPING SETS ((d_day_name), (s_state), (d_day_name, s_state), ()) ORDER BY ALL',
    ...times([10, 50], (n) => `SELECT c_custkey FROM customer WHERE c_custkey IN (SELECT ss_customer_sk FROM store_sales GROUP BY ss_customer_sk HAVING count(*) > ${n / 2})
      INTERSECT SELECT sr_customer_sk FROM store_returns EXCEPT SELECT o_custkey FROM orders WHERE o_orderkey < ${n * 100}`),
    'SELECT s_state, count(DISTINCT ss_customer_sk), count(DISTINCT ss_item_sk), approx_count_distinct(s_state) FROM store_sales JOIN store ON ss_store_sk = s_store_sk GROUP BY ALL ORDER BY ALL',
    `SELECT ss.ss_ticket_number, sum(ss_quantity), sum(sr_return_amt) FROM store_sales ss LEFT JOIN store_returns sr ON ss.ss_ticket_number = sr.sr_ticket_number
      AND ss.ss_item_sk = sr.sr_item_sk GROUP BY ALL HAVING count(sr_return_amt) > 0 ORDER BY ALL LIMIT 200`,
    `SELECT i_category, median(ss_quantity), quantile_disc(ss_sales_price, [0.1, 0.5, 0.9]), mode(ss_quantity % 5), min_by(i_item_id, (ss_sales_price, i_item_id)), bit_xor(ss_quantity)
      FROM ${sales} GROUP BY ALL ORDER BY ALL`,
    ...times(['sum(ss_quantity)', 'max(ss_sales_price)', 'count(*)'], (value) => `PIVOT (FROM ${sales}) ON d_year IN (1998, 1999, 2000) USING ${value} GROUP BY i_category ORDER BY ALL`),
    'UNPIVOT (SELECT i_category, min(i_current_price) AS low, max(i_current_price) AS high FROM item GROUP BY ALL) ON low, high INTO NAME which VALUE price ORDER BY ALL',
  ];
}

function windows() {
  const frames = ['ROWS BETWEEN 2 PRECEDING AND CURRENT ROW', 'ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING',
    'RANGE BETWEEN INTERVAL 30 DAY PRECEDING AND CURRENT ROW', 'GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING', 'ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING EXCLUDE TIES'];
  const order = 'ORDER BY o_orderdate, o_orderkey';
  const functions = ['row_number()', 'rank()', 'dense_rank()', 'ntile(7)', 'lag(o_orderkey, 2, -1)', 'lead(o_totalprice)', 'first_value(o_orderkey)',
    'nth_value(o_orderkey, 3)', 'last_value(o_orderpriority)', 'sum(o_totalprice)', 'count(*)', 'max(o_orderdate)', 'string_agg(o_orderstatus, \'\')',
    'count(DISTINCT o_orderpriority)', 'list(o_orderkey)', 'arg_max(o_orderkey, (o_totalprice, o_orderkey))'];
  return [
    ...functions.map((f) => `SELECT o_orderkey, ${f} OVER (PARTITION BY o_custkey ${order}) FROM orders WHERE o_custkey < 100 ORDER BY o_orderkey`),
    ...frames.flatMap((frame) => times(['sum(o_totalprice)', 'min(o_orderkey)', 'count(*)'], (f) =>
      `SELECT o_orderkey, ${f} OVER (PARTITION BY o_orderpriority ORDER BY o_orderdate ${frame}) FROM orders WHERE o_orderkey < 3000 AND o_orderkey % 3 = 0 ORDER BY ALL`))
      .filter((sql) => !/ROWS .*ORDER BY o_orderdate ROWS/.test(sql)).map((sql) => sql.includes('RANGE') ? sql : sql.replace('ORDER BY o_orderdate ', 'ORDER BY o_orderdate, o_orderkey ')),
    ...times([1, 2, 3, 5, 8], (n) => `SELECT * FROM orders WHERE o_custkey < 200 QUALIFY row_number() OVER (PARTITION BY o_custkey ORDER BY o_totalprice DESC, o_orderkey) <= ${n} ORDER BY o_orderkey`),
    'SELECT o_orderdate, sum(sum(o_totalprice)) OVER (ORDER BY o_orderdate) FROM orders GROUP BY o_orderdate ORDER BY ALL LIMIT 500',
    'SELECT o_orderkey, sum(o_totalprice) FILTER (o_orderstatus = \'F\') OVER w, count(*) OVER (w ROWS 3 PRECEDING) FROM orders WHERE o_custkey < 50 WINDOW w AS (PARTITION BY o_custkey ORDER BY o_orderkey) ORDER BY ALL',
    'SELECT o_orderkey, lag(o_orderstatus IGNORE NULLS) OVER (ORDER BY o_orderkey), cume_dist() OVER (ORDER BY o_orderpriority) FROM orders WHERE o_orderkey < 500 ORDER BY ALL',
  ];
}

function asof() {
  return [
    ...times(['', 'LEFT'], (kind) => times(['>=', '>', '<=', '<'], (op) =>
      `SELECT t.id, q.price, q.ts FROM trades t ASOF ${kind} JOIN (SELECT symbol, ts, max(price) AS price FROM quotes GROUP BY ALL) q ON t.symbol = q.symbol AND t.ts ${op} q.ts ORDER BY ALL`)).flat(),
    'SELECT symbol, sum(price * size) FROM trades ASOF JOIN (SELECT symbol, ts, min(price) AS price FROM quotes GROUP BY ALL) USING (symbol, ts) GROUP BY ALL ORDER BY ALL',
    'SELECT t.symbol, time_bucket(INTERVAL 15 MINUTE, t.ts) AS slot, sum(size), count(*) FROM trades t GROUP BY ALL ORDER BY ALL',
    'SELECT a.id, count(b.id) FROM trades a JOIN trades b ON a.symbol = b.symbol AND b.ts BETWEEN a.ts - INTERVAL 1 MINUTE AND a.ts GROUP BY ALL ORDER BY ALL',
    'SELECT symbol, ts, price - lag(price) OVER (PARTITION BY symbol ORDER BY ts, n) FROM quotes ORDER BY symbol, ts, n LIMIT 1000',
    'FROM trades t SEMI JOIN quotes q ON t.symbol = q.symbol AND t.ts = q.ts SELECT count(*), sum(id)',
    'FROM trades t ANTI JOIN quotes q ON t.symbol = q.symbol AND t.ts = q.ts SELECT count(*), sum(id)',
    'SELECT * FROM (SELECT id FROM trades ORDER BY id LIMIT 20) POSITIONAL JOIN (SELECT n FROM quotes ORDER BY n LIMIT 25) ORDER BY ALL',
  ];
}

function nested() {
  const expressions = ['len(numbers)', 'list_sum(numbers)', 'list_sort(numbers, \'DESC\')', 'list_distinct(tags)', 'numbers[2]', 'numbers[1:2]', 'numbers[-1]',
    'list_transform(numbers, x -> x % 10)', 'list_filter(numbers, x -> x > 100)', 'list_reduce(list_concat([0], numbers), (a, b) -> a + b)',
    '[n * 2 FOR n IN numbers IF n % 2 = 0]', 'list_contains(tags, \'x\')', 'list_has_any(tags, [\'y\', \'z\'])', 'array_to_string(tags, \'|\')', 'list_zip(numbers, tags)',
    'flatten([numbers, numbers])', 'info.name', 'info.inner.flag', 'struct_insert(info, extra := id)', '{\'a\': id, \'b\': info}', 'row(id, tags)', 'labels[\'a\']',
    'map_keys(labels)', 'map_values(labels)', 'map_entries(labels)', 'cardinality(labels)', 'map_concat(labels, MAP {\'c\': 1::BIGINT})', 'doc->>\'k\'', 'doc->\'list\'',
    'json_extract_string(doc, \'$.list[1]\')', 'json_keys(doc)', 'json_array_length(doc, \'list\')', 'to_json(info)', 'json_merge_patch(doc, \'{"new": 1}\')', 'len(doc::VARCHAR)',
    'list_value(id, id + 1)', 'unnest(tags)', 'unnest(info, recursive := true)', 'coalesce(numbers, [])', 'list_aggregate(numbers, \'max\')', 'range(id % 4)', 'list_slice(numbers, 2, 4)',
    'string_split(info.name, \'n\')', 'typeof(info)', 'list_position(tags, \'y\')', 'struct_pack(a := id).a', '[info, info]', 'list_grade_up(numbers)', 'numbers = [0, id]'];
  return [
    ...expressions.map((expression) => `SELECT id, ${expression} AS v FROM documents WHERE id < 300 ORDER BY ALL`),
    'SELECT info.name, list(id ORDER BY id), list_sort(list(DISTINCT info.size)), histogram(info.size) FROM documents GROUP BY ALL ORDER BY ALL',
    'SELECT tag, count(*) FROM documents, unnest(tags) t(tag) GROUP BY ALL ORDER BY ALL',
    'SELECT d.id, n FROM documents d, LATERAL (SELECT unnest(d.numbers) AS n) WHERE d.id < 50 ORDER BY ALL',
    'SELECT key, count(*), sum(value::INT) FROM documents, json_each(doc) WHERE key = \'k\' GROUP BY ALL ORDER BY ALL',
    'SELECT json_group_array(info.size), json_group_object(id::VARCHAR, id) FROM documents WHERE id = 5',
    'SELECT max(labels), min(info), max(tags) FROM documents',
    'SELECT * EXCLUDE (doc) REPLACE (len(tags) AS tags) FROM documents WHERE id < 20 ORDER BY id',
    'SELECT COLUMNS(c -> c IN (\'id\', \'tags\')) FROM documents WHERE id < 20 ORDER BY id',
  ];
}

function zones() {
  const zonesOfInterest = ['Europe/Prague', 'Africa/Casablanca', 'Pacific/Apia', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];
  return [
    ...zonesOfInterest.flatMap((zone) => [
      `SELECT date_trunc('day', ts AT TIME ZONE '${zone}') AS d, count(*) FROM visits GROUP BY ALL ORDER BY ALL`,
      `SELECT hour(ts AT TIME ZONE '${zone}') AS h, count(*) FROM visits GROUP BY ALL ORDER BY ALL`,
      `SELECT id, (ts AT TIME ZONE '${zone}')::TIMESTAMP AT TIME ZONE '${zone}' - ts FROM visits ORDER BY id LIMIT 500`,
      `SELECT time_bucket(INTERVAL 1 DAY, ts, '${zone}') AS b, count(*) FROM visits GROUP BY ALL ORDER BY ALL`,
    ]),
    'SELECT zone, date_trunc(\'week\', ts AT TIME ZONE zone) AS w, count(DISTINCT visitor) FROM visits GROUP BY ALL ORDER BY ALL',
    'SELECT visitor, max(ts) - min(ts), count(*) FROM visits GROUP BY ALL ORDER BY ALL',
    'SELECT strftime(ts AT TIME ZONE \'Asia/Tokyo\', \'%A %d %B %Y, %H:%M\') FROM visits WHERE id < 100 ORDER BY id',
    'SELECT id, age(ts, TIMESTAMPTZ \'2025-01-01 00:00:00+00\'), ts + INTERVAL 1 MONTH FROM visits WHERE id < 200 ORDER BY id',
    'SELECT last_day(ts::DATE) AS m, count(*), min(ts), max((ts AT TIME ZONE \'UTC\')::TIME) FROM visits GROUP BY ALL ORDER BY ALL',
    'SELECT epoch(ts), epoch_ms(ts), extract(isodow FROM ts), yearweek(ts), quarter(ts) FROM visits WHERE id < 100 ORDER BY id',
    'SELECT d::DATE, count(v.id) FROM generate_series(DATE \'2025-10-20\', DATE \'2025-11-20\', INTERVAL 1 DAY) t(d) LEFT JOIN visits v ON v.ts::DATE = d::DATE GROUP BY ALL ORDER BY ALL',
  ];
}

// Larger than the memory that a worker of the test has.
function spilling() {
  const wide = "SELECT l.*, r.range AS n, repeat('filler ', 10) || l_orderkey AS filler FROM lineitem l, range(25) r";
  return [
    `SELECT l_orderkey, l_linenumber, n FROM (${wide}) ORDER BY filler DESC, l_extendedprice, l_linenumber, n LIMIT 50 OFFSET 900000`,
    `SELECT count(*), count(DISTINCT filler), max(filler) FROM (${wide})`,
    `SELECT sum(rn) FROM (SELECT row_number() OVER (PARTITION BY l_partkey ORDER BY filler, n, l_linenumber) AS rn FROM (${wide}))`,
    `SELECT count(*), sum(a.n) FROM (${wide}) a JOIN (SELECT l_orderkey, l_linenumber, n, filler FROM (${wide})) b USING (l_orderkey, l_linenumber, n, filler)`,
    `SELECT l_shipmode, count(*), sum(len(filler)) FROM (SELECT DISTINCT filler, l_shipmode, n FROM (${wide})) GROUP BY ALL ORDER BY ALL`,
  ];
}

function general() {
  return [
    ...times([5, 10, 15], (n) => `WITH RECURSIVE f(i, a, b) AS (SELECT 1, 0::HUGEINT, 1::HUGEINT UNION ALL SELECT i + 1, b, a + b FROM f WHERE i < ${n * 10}) SELECT * FROM f ORDER BY i`),
    'WITH RECURSIVE tree(id, depth, path) AS (SELECT 1, 0, [1] UNION ALL SELECT id * 2 + x, depth + 1, list_append(path, id * 2 + x) FROM tree, (VALUES (0), (1)) c(x) WHERE depth < 6) SELECT * FROM tree ORDER BY id, depth',
    'VALUES (1, \'a\', NULL), (2, \'b,"\', 3.5)',
    'DESCRIBE orders',
    'SUMMARIZE SELECT c_custkey, c_mktsegment FROM customer',
    'SELECT * FROM range(10), generate_series(1, 3) t(x) ORDER BY ALL',
    'SELECT n_name, r_name FROM nation NATURAL JOIN (SELECT r_regionkey AS n_regionkey, r_name FROM region) ORDER BY ALL',
    'SELECT * FROM region UNION ALL BY NAME SELECT n_nationkey AS r_regionkey FROM nation ORDER BY ALL',
    'SELECT r_name FROM region UNION SELECT n_name FROM nation ORDER BY ALL',
    'SELECT c_mktsegment FROM customer EXCEPT ALL SELECT \'BUILDING\' ORDER BY ALL LIMIT 20',
    'SELECT CASE WHEN c_acctbal < 0 THEN \'debt\' WHEN c_acctbal BETWEEN 0 AND 5000 THEN \'some\' ELSE \'much\' END AS class, count(*) FROM customer GROUP BY class ORDER BY class',
    'SELECT regexp_extract(c_phone, \'(\\d+)-(\\d+)\', 1) AS code, count(*) FROM customer WHERE c_name SIMILAR TO \'Customer#1.*\' GROUP BY ALL ORDER BY ALL',
    'SELECT upper(p_name[1]) || p_name[2:], reverse(p_brand), p_type LIKE \'%STEEL\', md5(p_name), levenshtein(p_name, p_type) FROM part WHERE p_partkey < 50 ORDER BY p_partkey',
    'SELECT 170141183460469231731687303715884105727, 1e308, -0.0, 0.1 + 0.2, 1 / 3::DECIMAL(9,4), 2 ** 10, 7 // 2, -7 % 3, 5!, ~5, 6 & 3, 1 << 4',
    'SELECT TRY_CAST(\'x\' AS INT), TRY(1 / 0), nullif(1, 1), ifnull(NULL, 2), greatest(1, NULL, 3), 1 IS DISTINCT FROM NULL, NOT NULL, (NULL = 1) IS NULL',
    'SELECT o_orderstatus, any_value(o_orderstatus), bool_and(o_totalprice > 0), bit_or(o_orderkey % 8), product(1), arg_min(o_orderkey, o_orderkey) FROM orders GROUP BY 1 ORDER BY 1',
    'SELECT count(*) FROM orders o WHERE o_totalprice > ALL (SELECT o_totalprice FROM orders WHERE o_custkey = o.o_custkey AND o_orderkey <> o.o_orderkey)',
    'SELECT * FROM orders ORDER BY o_totalprice DESC, o_orderkey LIMIT 1% OFFSET 3',
    'FROM orders SELECT o_orderstatus, count() GROUP BY ALL ORDER BY ALL',
    'SELECT #1, #2 FROM (SELECT n_name, n_nationkey FROM nation) ORDER BY 2',
    'SELECT DISTINCT ON (o_custkey) o_custkey, o_orderkey FROM orders ORDER BY o_custkey, o_orderkey LIMIT 100',
    'SELECT (SELECT count(*) FROM orders WHERE o_custkey = c_custkey), c_name FROM customer ORDER BY ALL LIMIT 50',
    'SELECT ARRAY(SELECT n_name FROM nation WHERE n_regionkey = r_regionkey ORDER BY ALL), r_name FROM region ORDER BY r_name',
    'SELECT date_diff(\'month\', min(o_orderdate), max(o_orderdate)), date_part([\'year\', \'month\'], max(o_orderdate)), monthname(min(o_orderdate)) FROM orders',
    'WITH a AS MATERIALIZED (SELECT * FROM nation), b AS NOT MATERIALIZED (SELECT * FROM a WHERE n_regionkey = 1) SELECT count(*) FROM a, b',
    'SELECT corr(x, y), regr_slope(y, x), round(stddev_pop(x), 6), skewness(x) IS NOT NULL FROM (SELECT i AS x, i * 2 + 1 AS y FROM range(100) t(i))',
    'SELECT format(\'{:>8}|{:,}\', n_name, n_nationkey * 100000), printf(\'%05d\', n_nationkey), bar(n_nationkey, 0, 25, 10) FROM nation ORDER BY n_nationkey',
    'SELECT hash(n_name), n_name::BLOB, encode(n_name), base64(n_name::BLOB), hex(n_nationkey), bin(n_nationkey) FROM nation ORDER BY n_nationkey',
    'SELECT uuid_extract_version(uuid()), length(gen_random_uuid()::VARCHAR), random() BETWEEN 0 AND 1, now() > TIMESTAMPTZ \'2020-01-01\', current_date > DATE \'2020-01-01\'',
    ...times(['lineitem', 'store_sales', 'orders'], (table) => `SELECT count(*), min(x), max(x) FROM (SELECT hash(t) % 1000 AS x FROM ${table} t)`),
    ...times([0, 1, 2, 3, 4], (n) => `SELECT n_name FROM nation WHERE n_regionkey = ${n} AND n_name IN (SELECT n_name FROM nation WHERE n_nationkey % 2 = 0) ORDER BY n_name`),
    ...times(['INNER', 'LEFT', 'RIGHT', 'FULL'], (kind) => `SELECT count(*), count(c_custkey), count(o_orderkey) FROM (FROM customer WHERE c_custkey % 2 = 0) ${kind} JOIN (FROM orders WHERE o_orderkey % 3 = 0) ON c_custkey = o_custkey`),
    ...times(['<', '>=', '<>'], (op) => `SELECT count(*) FROM nation a JOIN nation b ON a.n_nationkey ${op} b.n_regionkey AND a.n_regionkey ${op} b.n_nationkey`),
  ];
}

// One expression a query, over texts, numbers and dates.
function scalars() {
  const texts = ['upper(p_name)', 'length(p_name)', 'p_name[2:4]', 'left(p_name, 3)', 'lpad(p_brand, 12, \'*\')', 'replace(p_name, \'e\', \'3\')', 'split_part(p_name, \' \', 2)',
    'string_split(p_name, \' \')', 'regexp_replace(p_name, \'[aeiou]\', \'_\', \'g\')', 'regexp_matches(p_name, \'^(f|g)\')', 'regexp_extract_all(p_type, \'[A-Z]+\')', 'p_name ILIKE \'%STEEL\'',
    'p_name GLOB \'*tin\'', 'contains(p_name, \'vy\')', 'starts_with(p_type, \'PROMO\')', 'translate(p_name, \'abc\', \'xyz\')', 'concat_ws(\'/\', p_name, NULL, p_brand)', 'instr(p_name, \' \')',
    'jaro_winkler_similarity(p_name, p_type) > 0.5', 'ascii(p_name)', 'repeat(p_brand, 2)', 'trim(p_container, \'SBX\')', 'format(\'{}-{}\', p_size, p_brand)', 'sha256(p_name)', 'url_encode(p_name)',
    'p_size % 7', 'p_size / 4', 'p_size // 4', 'sqrt(p_size)::DECIMAL(18,6)', 'round(p_size / 3, 2)', 'greatest(p_size, 25)', 'CASE p_container WHEN \'SM CASE\' THEN 1 ELSE 2 END', 'p_size BETWEEN 3 AND 9',
    'p_size IN (1, 2, 3)', 'p_size::VARCHAR::JSON', 'DATE \'2026-01-01\' + p_size', 'make_date(2026, 1 + p_size % 12, 1)', 'to_days(p_size)', 'INTERVAL (p_size) HOUR', 'p_size::HUGEINT * 1000000000000', 'p_size::UTINYINT'];
  return texts.map((expression) => `SELECT p_partkey, ${expression} AS v FROM part WHERE p_partkey < 200 ORDER BY ALL`);
}

export const FAMILIES = { scalars: scalars(), tpch: tpch(), tpcds: tpcds(), windows: windows(), asof: asof(), nested: nested(), zones: zones(), spilling: spilling(), general: general() };
