/* The dice, the calendar and the vocabulary of the sample data. */
#include "connectors/sample/tables.h"

/*
 * rnd: a number in [0, 1) for a row and a tag. The top 53 bits of a hash are as many as a DOUBLE
 * holds. between: the same, stretched. pick: an element of a list; NULL of an empty one.
 */
#define DICE                                                                                    \
	"CREATE MACRO rnd(n, tag) AS (hash(n::BIGINT, tag, getvariable('seed')) >> 11)::DOUBLE" \
	" / 9007199254740992;"                                                                  \
	"CREATE MACRO spread(low, high, u) AS low + (high - low) * u;"                          \
	"CREATE MACRO pick(list, u) AS list[1 + floor(u * len(list))::BIGINT];"

/*
 * Trade grows, has seasons and weekends: the list `calendar` has 16384 slots, and a day as many of
 * them as it has trade. date_at() of an even u thus gives busy days more often.
 */
#define CALENDAR                                                                                 \
	"SET VARIABLE period_start = DATE '2026-03-01' - getvariable('days')::INTEGER;"          \
	"SET VARIABLE period_end = DATE '2026-03-01';"                                           \
	"SET VARIABLE calendar = ("                                                              \
	" WITH weighted AS (SELECT i::INTEGER AS i, getvariable('period_start') + i::INTEGER AS" \
	"  today, (1 + 0.5 * i / getvariable('days'))"                                           \
	"  * [.70, .75, .85, .90, .95, 1, .90, .85, 1, 1.1, 1.3, 1.5][month(today)]"             \
	"  * [1, 1, 1, 1.05, 1.15, .8, .6][isodow(today)] AS weight"                             \
	"  FROM range(getvariable('days')) days(i)),"                                            \
	" summed AS (SELECT i, (sum(weight) OVER (ORDER BY i) / sum(weight) OVER ())::DOUBLE"    \
	"  AS upto FROM weighted)"                                                               \
	" SELECT list(i ORDER BY slot) FROM (SELECT slot, min(i) AS i FROM range(16384) s(slot)" \
	"  JOIN summed ON upto >= (slot + 0.5) / 16384 GROUP BY slot));"                         \
	"SET VARIABLE hours = (SELECT list(h ORDER BY h) FROM (SELECT unnest(range(24)) AS h,"   \
	" unnest([1,1,0,0,0,1,2,3,5,8,9,9,8,8,8,7,5,5,5,5,4,3,2,1]) AS w), range(w));"           \
	"CREATE MACRO offset_at(u) AS getvariable('calendar')[1 + floor(u * 16384)::BIGINT];"    \
	"CREATE MACRO date_at(u) AS getvariable('period_start') + offset_at(u);"                 \
	"CREATE MACRO moment(today, n, tag) AS make_timestamp(epoch_us(today) + 1000000 *"       \
	" (3600 * pick(getvariable('hours'), rnd(n, tag))"                                       \
	" + floor(360000 * rnd(n, tag))::BIGINT % 3600));"

#define WORDS                                                                                        \
	"SET VARIABLE first_names = ['Adam', 'Alice', 'Anna', 'Antonín', 'Bára', 'Carlos',"        \
	" 'Chloé', 'Daniel', 'Élise', 'Emma', 'Eva', 'Felix', 'Františka', 'Giulia', 'Hana',"     \
	" 'Hugo', 'Ines', 'Jakub', 'James', 'Jana', 'Jürgen', 'Karolína', 'Lars', 'Laura',"        \
	" 'Lucía', 'Łukasz', 'Maria', 'Martin', 'Mia', 'Noah', 'Olga', 'Oliver', 'Paul',"          \
	" 'Petra', 'Sofia', 'Søren', 'Tereza', 'Thomas', 'Viktor', 'Zoë'];"                        \
	"SET VARIABLE last_names = ['Andersen', 'Bauer', 'Bianchi', 'Brown', 'Černý', 'Dubois',"   \
	" 'Dvořák', 'Fernández', 'Fischer', 'García', 'Horváth', 'Hughes', 'Jansen', 'Jensen'," \
	" 'Keller', 'Kovács', 'Kowalski', 'Kučera', 'Larsson', 'López', 'Martin', 'Meyer',"       \
	" 'Moreau', 'Müller', 'Nowak', 'O''Brien', 'Novák', 'Petit', 'Rossi', 'Schmidt',"          \
	" 'Smith', 'Svoboda', 'Taylor', 'van Dijk', 'Veselá', 'Walker', 'Weber', 'Wiśniewski',"    \
	" 'Wood', 'Zielińska'];"                                                                    \
	"SET VARIABLE company_words = ['Alder', 'Beacon', 'Cobalt', 'Delta', 'Ember', 'Fjord',"      \
	" 'Granite', 'Harbor', 'Indigo', 'Juniper', 'Keystone', 'Linden', 'Meridian', 'North',"      \
	" 'Orchard', 'Pioneer', 'Quarry', 'River', 'Summit', 'Timber'];"                             \
	"SET VARIABLE company_kinds = ['Foods', 'Logistics', 'Media', 'Retail', 'Systems',"          \
	" 'Trading', 'Works', 'Textiles', 'Health', 'Energy'];"                                      \
	"SET VARIABLE company_forms = ['GmbH', 'Ltd', 's.r.o.', 'SA', 'S.p.A.', 'BV', 'AB'];"        \
	"SET VARIABLE places = ["                                                                    \
	" {country: 'Germany', cities: ['Berlin', 'Hamburg', 'Köln', 'München']},"                 \
	" {country: 'Czechia', cities: ['Praha', 'Brno', 'Ostrava', 'Plzeň']},"                     \
	" {country: 'France', cities: ['Paris', 'Lyon', 'Nantes', 'Orléans']},"                     \
	" {country: 'United Kingdom', cities: ['London', 'Leeds', 'Bristol', 'Glasgow']},"           \
	" {country: 'Poland', cities: ['Warszawa', 'Kraków', 'Gdańsk', 'Łódź']},"               \
	" {country: 'Italy', cities: ['Roma', 'Milano', 'Torino', 'Bologna']},"                      \
	" {country: 'Spain', cities: ['Madrid', 'Barcelona', 'Sevilla', 'Málaga']},"                \
	" {country: 'Netherlands', cities: ['Amsterdam', 'Utrecht', 'Rotterdam', 'Delft']},"         \
	" {country: 'Austria', cities: ['Wien', 'Graz', 'Linz', 'Salzburg']},"                       \
	" {country: 'Slovakia', cities: ['Bratislava', 'Košice', 'Žilina', 'Nitra']},"             \
	" {country: 'Sweden', cities: ['Stockholm', 'Göteborg', 'Malmö', 'Uppsala']},"             \
	" {country: 'Denmark', cities: ['København', 'Aarhus', 'Odense', 'Aalborg']}];"             \
	"SET VARIABLE subjects = ['Where is my order?', 'The parcel arrived damaged',"               \
	" 'Wrong size, please exchange', 'Invoice is missing the VAT number',"                       \
	" 'I cannot sign in', 'Refund not received yet', 'Is this item back in stock soon?',"        \
	" 'The app crashes at checkout', 'Please change the delivery address',"                      \
	" 'Discount code does not work', 'How long is the warranty?', 'Missing item in parcel'];"    \
	"SET VARIABLE variants = ['', ' Plus', ' Lite', ' Pro', ' Mini', ' XL', ' Eco', ' Set',"     \
	" ' Black', ' White', ' Classic', ' 2'];"

/* Prices in whole units: the cheapest and the dearest; cost as a share of the price. */
#define CATEGORIES                                                                               \
	"SET VARIABLE categories = ['Electronics', 'Clothing', 'Home & Garden',"                 \
	" 'Sports & Outdoors', 'Books & Media', 'Beauty & Health'];"                             \
	"SET VARIABLE price_low = [19, 9, 7, 8, 5, 4];"                                          \
	"SET VARIABLE price_high = [1299, 299, 199, 249, 79, 149];"                              \
	"SET VARIABLE cost_low = [.40, .30, .35, .35, .25, .20];"                                \
	"SET VARIABLE cost_high = [.65, .55, .55, .60, .45, .45];"                               \
	"SET VARIABLE items = ["                                                                 \
	" ['Headphones', 'Smartphone', 'Tablet', 'Laptop', 'Monitor', 'Keyboard', 'Mouse',"      \
	"  'Speaker', 'Camera', 'Charger', 'Router', 'Smartwatch', 'Printer', 'Webcam',"         \
	"  'Power Bank'],"                                                                       \
	" ['T-Shirt', 'Jeans', 'Jacket', 'Sweater', 'Dress', 'Shirt', 'Socks', 'Scarf', 'Coat'," \
	"  'Skirt', 'Belt', 'Gloves', 'Hat', 'Shorts', 'Hoodie'],"                               \
	" ['Lamp', 'Pillow', 'Blanket', 'Vase', 'Rug', 'Pan', 'Knife Set', 'Planter', 'Hose',"   \
	"  'Toolbox', 'Curtain', 'Mirror', 'Clock', 'Shelf', 'Grill Tongs'],"                    \
	" ['Yoga Mat', 'Dumbbells', 'Tent', 'Backpack', 'Sleeping Bag', 'Helmet', 'Bottle',"     \
	"  'Football', 'Racket', 'Skipping Rope', 'Goggles', 'Bike Light', 'Poles', 'Compass',"  \
	"  'Towel'],"                                                                            \
	" ['Novel', 'Cookbook', 'Atlas', 'Biography', 'Comic', 'Dictionary', 'Travel Guide',"    \
	"  'Poetry', 'Audiobook', 'Board Game', 'Puzzle', 'Calendar', 'Sketchbook', 'Vinyl',"    \
	"  'Textbook'],"                                                                         \
	" ['Shampoo', 'Face Cream', 'Perfume', 'Toothbrush', 'Sunscreen', 'Lipstick', 'Soap',"   \
	"  'Razor', 'Hair Dryer', 'Vitamins', 'Body Lotion', 'Nail Set', 'Scale',"               \
	"  'Massage Oil', 'First Aid Kit']];"

/*
 * Customers order by Pareto's law with exponent 1.2: a customer's share falls with its rank r as
 * r^(-1/1.2), whose sum grows as r^(1/6). The multiplication scatters the ranks over the numbers;
 * 7919 shares no factor with any number of customers above.
 */
#define CUSTOMERS                                                                               \
	"CREATE MACRO customer_rank(u) AS least(getvariable('customers') - 1, floor(pow("       \
	" spread(1, pow(getvariable('customers') + 1, 1.0/6), u), 6) - 1)::BIGINT);"            \
	"CREATE MACRO customer_at(u) AS"                                                        \
	" 1 + customer_rank(u) * 7919 % getvariable('customers')::BIGINT;"                      \
	"CREATE MACRO customer_segment(c) AS CASE WHEN rnd(c, 'segment') < .60 THEN 'b2c'"      \
	" WHEN rnd(c, 'segment') < .85 THEN 'b2b_small' ELSE 'b2b_enterprise' END;"             \
	"CREATE MACRO customer_since(c) AS 0.9 * pow(rnd(c, 'registered'), 2);"                 \
	"CREATE MACRO customer_later(c, u) AS spread(customer_since(c), 1, u);"                 \
	"CREATE MACRO customer_first(c) AS pick(getvariable('first_names'), rnd(c, 'first'));"  \
	"CREATE MACRO customer_last(c) AS pick(getvariable('last_names'), rnd(c, 'last'));"     \
	"CREATE MACRO mail(first, last, n) AS lower(strip_accents(replace(replace(first || '.'" \
	" || last, ' ', ''), '''', ''))) || n::BIGINT::VARCHAR || '@example.com';"

/* Money is counted in cents; a price ends in 99. */
#define PRODUCTS                                                                                \
	"CREATE MACRO product_category(p) AS 1 + (p - 1) % 6;"                                  \
	"CREATE MACRO product_worth(p) AS 99 + 100 * floor(spread("                             \
	" getvariable('price_low')[product_category(p)],"                                       \
	" getvariable('price_high')[product_category(p)], pow(rnd(p, 'price'), 2.5)))::BIGINT;" \
	"SET VARIABLE prices = (SELECT list(product_worth(p) ORDER BY p) FROM"                  \
	" range(1, getvariable('products') + 1) numbers(p));"                                   \
	"CREATE MACRO product_cents(p) AS getvariable('prices')[p];"                            \
	"CREATE MACRO line_product(o, i) AS"                                                    \
	" 1 + floor(getvariable('products') * pow(rnd(o * 8 + i, 'product'), 1.4))::BIGINT;"    \
	"CREATE MACRO line_quantity(o, i, segment) AS"                                          \
	" pick([1,1,1,1,1,1,1,1,1,1,1,1,2,2,2,2,3,3,4,5], rnd(o * 8 + i, 'quantity'))"          \
	" * CASE segment WHEN 'b2b_enterprise' THEN 1 + floor(5 * rnd(o * 8 + i, 'bulk'))"      \
	" ELSE 1 END::BIGINT;"                                                                  \
	"CREATE MACRO line_discount(o, i) AS"                                                   \
	" pick([0,0,0,0,0,0,0,0,0,0,5,5,5,5,10,10,10,15,15,20], rnd(o * 8 + i, 'discount'));"   \
	"CREATE MACRO line_cents(o, i, segment) AS (line_quantity(o, i, segment)"               \
	" * product_cents(line_product(o, i)) * (100 - line_discount(o, i)) + 50) // 100;"

/* Kept, because three tables are made of it. */
#define ORDERS                                                                                           \
	"CREATE MACRO order_customer(o) AS customer_at(rnd(o, 'order customer'));"                       \
	"CREATE MACRO order_moment(o, c) AS"                                                             \
	" moment(date_at(customer_later(c, rnd(o, 'order day'))), o, 'order time');"                     \
	"CREATE MACRO order_lines(u, segment) AS CASE segment"                                           \
	" WHEN 'b2c' THEN pick([1,1,1,1,1,1,1,2,2,2,2,2,2,3,3,3,4,4,4,5], u)"                            \
	" ELSE pick([1,1,1,1,2,2,2,2,3,3,3,4,4,5,5,6,6,7,8,8], u) END;"                                  \
	"CREATE TYPE segment AS ENUM ('b2c', 'b2b_small', 'b2b_enterprise');"                            \
	"CREATE TYPE status AS ENUM ('delivered', 'shipped', 'confirmed', 'pending', 'cancelled',"       \
	" 'returned');"                                                                                  \
	"CREATE TABLE placed AS SELECT o, c, segment, created, lines, items,"                            \
	" CASE WHEN u < .58 THEN 'delivered' WHEN u < .73 THEN 'shipped' WHEN u < .83 THEN"              \
	"  'confirmed' WHEN u < .87 THEN 'pending' WHEN u < .95 THEN 'cancelled'"                        \
	"  ELSE 'returned' END::status AS status,"                                                       \
	" floor(items * .05 * greatest(0, rnd(o, 'order discount') * 1.6 - .6))::BIGINT AS discount,"    \
	" CASE WHEN items < 10000 THEN floor(1600 * rnd(o, 'shipping'))::BIGINT ELSE 0 END"              \
	"  AS shipping FROM (SELECT *, rnd(o, 'status') AS u, order_moment(o, c) AS created,"            \
	"  list_sum(list_transform(range(lines), lambda i: line_cents(o, i, segment)))::BIGINT AS items" \
	"  FROM (SELECT *, order_lines(rnd(o, 'lines'), segment) AS lines"                               \
	"   FROM (SELECT o, c, customer_segment(c)::segment AS segment"                                  \
	"    FROM (SELECT o, order_customer(o) AS c"                                                     \
	"     FROM range(1, getvariable('orders') + 1) numbers(o)))));"

/* Which campaigns run on each day of the period. */
#define CAMPAIGNS                                                                              \
	"CREATE MACRO campaign_first(g) AS"                                                    \
	" floor(getvariable('days') * rnd(g, 'campaign start'))::INTEGER;"                     \
	"CREATE MACRO campaign_length(g) AS 7 + floor(54 * rnd(g, 'length'))::INTEGER;"        \
	"SET VARIABLE running = (SELECT list(running ORDER BY i) FROM (SELECT i,"              \
	" coalesce(list(g ORDER BY g) FILTER (g IS NOT NULL), []) AS running"                  \
	" FROM range(getvariable('days')) days(i) LEFT JOIN (SELECT g, campaign_first(g) AS a" \
	"  FROM range(1, getvariable('campaigns') + 1) numbers(g)) ON i >= a AND"              \
	"  i <= a + campaign_length(g) GROUP BY i));"                                          \
	"CREATE MACRO campaign_on(i, u) AS pick(getvariable('running')[i + 1], u);"

const char sample_setup_sql[] = DICE CALENDAR WORDS CATEGORIES CUSTOMERS PRODUCTS ORDERS CAMPAIGNS;
