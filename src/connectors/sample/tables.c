/* One SELECT a table. NULL is what is missing; columns have the types that CSV readers find. */
#include "connectors/sample/tables.h"

#include <stddef.h>

static const char customers[] =
	"SELECT printf('C-%06d', c) AS customer_id,"
	" mail(customer_first(c), customer_last(c), c) AS email,"
	" customer_first(c) AS first_name, customer_last(c) AS last_name,"
	" CASE WHEN customer_segment(c) <> 'b2c' THEN"
	"  pick(getvariable('company_words'), rnd(c, 'word')) || ' ' ||"
	"  pick(getvariable('company_kinds'), rnd(c, 'kind')) || ' ' ||"
	"  pick(getvariable('company_forms'), rnd(c, 'form')) END AS company,"
	" place.country AS country, pick(place.cities, rnd(c, 'city')) AS city,"
	" customer_segment(c) AS segment, date_at(customer_since(c)) AS registration_date,"
	" (rnd(c, 'active') < .85)::BIGINT AS is_active"
	" FROM (SELECT c, pick(getvariable('places'), pow(rnd(c, 'place'), 1.5)) AS place"
	"  FROM range(1, getvariable('customers') + 1) numbers(c))";

static const char products[] =
	"SELECT printf('P-%05d', p) AS product_id, printf('SKU-%05d', 10000 + p) AS sku,"
	" getvariable('items')[category][1 + (p - 1) // 6 % 15] ||"
	"  getvariable('variants')[1 + (p - 1) // 90 % 12] AS name,"
	" getvariable('categories')[category] AS category, product_cents(p) / 100 AS price,"
	" round(product_cents(p) / 100 * spread(getvariable('cost_low')[category]::DOUBLE,"
	"  getvariable('cost_high')[category]::DOUBLE, rnd(p, 'cost')), 2) AS cost,"
	" round(spread(.1, 15, pow(rnd(p, 'weight'), 2)), 2) AS weight_kg,"
	" (rnd(p, 'sold') < .9)::BIGINT AS is_active,"
	" getvariable('period_start') - (1 + floor(730 * rnd(p, 'added')))::INTEGER AS created_at"
	" FROM (SELECT p, product_category(p) AS category"
	"  FROM range(1, getvariable('products') + 1) numbers(p))";

static const char campaigns[] =
	"SELECT printf('CMP-%04d', g) AS campaign_id,"
	" pick(['Spring', 'Summer', 'Autumn', 'Winter', 'Launch', 'Clearance', 'Loyalty',"
	"  'Weekend'], rnd(g, 'theme')) || ' ' || replace(channel, '_', ' ') || ' ' ||"
	"  year(starts)::VARCHAR AS name, channel,"
	" CASE WHEN ends < getvariable('period_end') - 7 THEN 'completed'"
	"  WHEN rnd(g, 'paused') < .75 THEN 'active' ELSE 'paused' END AS status,"
	" budget, spend, impressions,"
	" floor(impressions * spread(.005, .08, rnd(g, 'clicks')))::BIGINT AS clicks,"
	" starts AS start_date, ends AS end_date,"
	" pick(['b2c', 'b2c', 'b2c', 'b2b_small', 'b2b_enterprise'], rnd(g, 'target'))"
	"  AS target_segment"
	" FROM (SELECT g, starts, ends, budget, spend,"
	"  floor(spend * spread(40, 220, rnd(g, 'impressions')))::BIGINT AS impressions,"
	"  CASE WHEN u < .20 THEN 'email' WHEN u < .42 THEN 'paid_search' WHEN u < .60 THEN"
	"   'paid_social' WHEN u < .72 THEN 'organic_social' WHEN u < .84 THEN 'display'"
	"   WHEN u < .92 THEN 'affiliate' ELSE 'retargeting' END AS channel"
	"  FROM (SELECT g, rnd(g, 'channel') AS u,"
	"   getvariable('period_start') + campaign_first(g) AS starts,"
	"   starts + campaign_length(g) AS ends,"
	"   round(spread(500, 25000, pow(rnd(g, 'budget'), 2)), 2) AS budget,"
	"   round(budget * spread(.55, 1, rnd(g, 'spend')), 2) AS spend"
	"   FROM range(1, getvariable('campaigns') + 1) numbers(g)))";

static const char web_sessions[] =
	"SELECT printf('S-%08d', s) AS session_id,"
	" printf('V-%08d', 1 + floor(getvariable('sessions') // 3 * rnd(s, 'visitor'))::BIGINT) AS"
	"  visitor_id,"
	" CASE WHEN known THEN printf('C-%06d', c) END AS customer_id,"
	" CASE WHEN rnd(s, 'from campaign') < .25 THEN"
	"  printf('CMP-%04d', campaign_on(i, rnd(s, 'campaign'))) END AS campaign_id,"
	" moment(getvariable('period_start') + i, s, 'session time') AS started_at,"
	" CASE WHEN bounce THEN 5 + floor(26 * rnd(s, 'duration'))"
	"  ELSE 30 + floor(871 * pow(rnd(s, 'duration'), 2)) END::BIGINT AS duration_seconds,"
	" CASE WHEN bounce THEN 1 ELSE 2 + floor(14 * pow(rnd(s, 'pages'), 2)) END::BIGINT AS"
	"  pages_viewed,"
	" CASE WHEN rnd(s, 'device') < .45 THEN 'desktop' WHEN rnd(s, 'device') < .90"
	"  THEN 'mobile' ELSE 'tablet' END AS device_type,"
	" CASE WHEN rnd(s, 'browser') < .64 THEN 'Chrome' WHEN rnd(s, 'browser') < .83 THEN"
	"  'Safari' WHEN rnd(s, 'browser') < .91 THEN 'Firefox' WHEN rnd(s, 'browser') < .98"
	"  THEN 'Edge' ELSE 'Other' END AS browser,"
	" pick(getvariable('places'), pow(rnd(s, 'session place'), 1.5)).country AS country,"
	" pick(['/', '/', '/', '/sale', '/new', '/search', '/products', '/blog', '/about'],"
	"  rnd(s, 'landing')) AS landing_page, bounce::BIGINT AS is_bounce"
	" FROM (SELECT s, c, known, rnd(s, 'bounce') < .35 AS bounce, offset_at("
	"  CASE WHEN known THEN customer_later(c, rnd(s, 'session day'))"
	"  ELSE rnd(s, 'session day') END) AS i"
	"  FROM (SELECT s, customer_at(rnd(s, 'session customer')) AS c,"
	"   rnd(s, 'known') < .40 AS known"
	"   FROM range(1, getvariable('sessions') + 1) numbers(s)))";

static const char web_leads[] =
	"SELECT printf('L-%06d', l) AS lead_id,"
	" CASE WHEN known THEN printf('C-%06d', c) END AS customer_id,"
	" CASE WHEN known THEN mail(customer_first(c), customer_last(c), c) ELSE"
	"  mail(customer_first(-l), customer_last(-l), 900000 + l) END AS email,"
	" CASE WHEN u < .30 THEN 'newsletter_signup' WHEN u < .55 THEN 'contact_form'"
	"  WHEN u < .70 THEN 'demo_request' WHEN u < .90 THEN 'content_download'"
	"  ELSE 'webinar_registration' END AS source,"
	" CASE WHEN rnd(l, 'lead by campaign') < .40 THEN"
	"  printf('CMP-%04d', campaign_on(i, rnd(l, 'lead campaign'))) END AS campaign_id,"
	" created AS created_at, status, CASE status WHEN 'converted' THEN"
	"  created + to_seconds(3600 + floor(1205999 * rnd(l, 'conversion'))) END AS converted_at"
	" FROM (SELECT l, c, known, i, rnd(l, 'lead source') AS u,"
	"  moment(getvariable('period_start') + i, l, 'lead time') AS created,"
	"  CASE WHEN rnd(l, 'lead status') < .35 THEN 'new' WHEN rnd(l, 'lead status') < .55"
	"   THEN 'contacted' WHEN rnd(l, 'lead status') < .70 THEN 'qualified'"
	"   WHEN rnd(l, 'lead status') < .88 THEN 'converted' ELSE 'lost' END AS status"
	"  FROM (SELECT l, customer_at(rnd(l, 'lead customer')) AS c,"
	"   rnd(l, 'lead known') < .55 AS known, offset_at(rnd(l, 'lead day')) AS i"
	"   FROM range(1, getvariable('leads') + 1) numbers(l)))";

static const char orders[] =
	"SELECT printf('ORD-%07d', o) AS order_id, printf('C-%06d', c) AS customer_id,"
	" created AS created_at, status::VARCHAR AS status, items / 100 AS items_total,"
	" discount / 100 AS discount_amount, shipping / 100 AS shipping_amount,"
	" (items - discount + shipping) / 100 AS total_amount,"
	" CASE WHEN u < .55 THEN 'web' WHEN u < .90 THEN 'mobile_app' WHEN u < .95 THEN 'phone'"
	"  ELSE 'api' END AS channel FROM (SELECT *, rnd(o, 'order channel') AS u FROM placed)";

static const char order_items[] =
	"SELECT printf('OI-%08d', o * 8 + i) AS order_item_id, printf('ORD-%07d', o) AS order_id,"
	" printf('P-%05d', line_product(o, i)) AS product_id,"
	" line_quantity(o, i, segment) AS quantity,"
	" product_cents(line_product(o, i)) / 100 AS unit_price,"
	" line_discount(o, i)::BIGINT AS discount_percent,"
	" line_cents(o, i, segment) / 100 AS line_total"
	" FROM (SELECT o, segment, unnest(range(lines)) AS i FROM placed)";

static const char payments[] =
	"SELECT printf('PAY-%07d', o * 2 + attempt) AS payment_id,"
	" printf('ORD-%07d', o) AS order_id, printf('C-%06d', c) AS customer_id,"
	" (items - discount + shipping) / 100 AS amount, 'EUR' AS currency,"
	" CASE WHEN segment <> 'b2c' AND u < .40 THEN"
	"   CASE WHEN rnd(o, 'transfer') < .6 THEN 'bank_transfer' ELSE 'invoice' END"
	"  WHEN w < .38 THEN 'credit_card' WHEN w < .58 THEN 'debit_card' WHEN w < .76 THEN"
	"  'paypal' WHEN w < .88 THEN 'bank_transfer' WHEN w < .96 THEN 'apple_pay'"
	"  ELSE 'invoice' END AS method, paid AS status, begun AS created_at,"
	" CASE WHEN paid IN ('completed', 'refunded') THEN"
	"  begun + to_seconds(2 + floor(7200 * pow(rnd(o, 'settled'), 4))) END AS completed_at"
	" FROM (SELECT *, rnd(o, 'b2b method') AS u, rnd(o, 'method') AS w,"
	"  CASE WHEN attempt = 0 THEN 'failed' WHEN status = 'cancelled' THEN"
	"   'cancelled' WHEN status = 'returned' THEN 'refunded' ELSE 'completed' END"
	"   AS paid,"
	"  created + to_seconds(300 * attempt + floor(240 * rnd(o, 'pay'))) AS begun"
	"  FROM (SELECT *, unnest(CASE WHEN rnd(o, 'attempts') < .05 THEN [0, 1] ELSE [1] END)"
	"   AS attempt FROM placed))";

static const char support_tickets[] =
	"SELECT printf('TKT-%06d', t) AS ticket_id, printf('C-%06d', c) AS customer_id,"
	" CASE WHEN about_order THEN printf('ORD-%07d', o) END AS order_id,"
	" CASE WHEN u < .28 THEN 'question' WHEN u < .46 THEN 'complaint' WHEN u < .60 THEN"
	"  'return_request' WHEN u < .76 THEN 'shipping' WHEN u < .88 THEN 'technical_issue'"
	"  ELSE 'refund' END AS category,"
	" CASE WHEN w < .38 THEN 'low' WHEN w < .73 THEN 'medium' WHEN w < .93 THEN 'high'"
	"  ELSE 'critical' END AS priority, status,"
	" CASE WHEN v < .40 THEN 'email' WHEN v < .70 THEN 'chat' WHEN v < .85 THEN 'phone'"
	"  ELSE 'web_form' END AS channel, pick(getvariable('subjects'), rnd(t, 'subject')) AS"
	"  subject, created AS created_at,"
	" CASE WHEN status <> 'open' THEN responded END AS first_response_at,"
	" CASE WHEN solved THEN responded +"
	"  to_seconds(600 + floor(432000 * pow(rnd(t, 'solved'), 2))) END AS resolved_at,"
	" CASE WHEN solved THEN pick([1,2,2,3,3,3,4,4,4,4,4,4,4,5,5,5,5,5,5,5], rnd(t, 'score'))"
	"  END::BIGINT AS satisfaction_score"
	" FROM (SELECT *, status IN ('resolved', 'closed') AS solved, rnd(t, 'topic') AS u,"
	"  rnd(t, 'priority') AS w, rnd(t, 'ticket channel') AS v,"
	"  created + to_seconds(120 + floor(86400 * pow(rnd(t, 'response'), 3))) AS responded"
	"  FROM (SELECT *, CASE WHEN about_order THEN order_moment(o, c) +"
	"    to_seconds(3600 + floor(1209600 * rnd(t, 'delay'))) ELSE"
	"    moment(date_at(customer_later(c, rnd(t, 'ticket day'))), t, 'ticket time') END"
	"    AS created,"
	"   CASE WHEN rnd(t, 'state') < .45 THEN 'resolved' WHEN rnd(t, 'state') < .75 THEN"
	"    'closed' WHEN rnd(t, 'state') < .85 THEN 'open' WHEN rnd(t, 'state') < .95 THEN"
	"    'in_progress' ELSE 'waiting_customer' END AS status"
	"   FROM (SELECT t, o, about_order, CASE WHEN about_order THEN order_customer(o) ELSE"
	"     customer_at(rnd(t, 'ticket customer')) END AS c"
	"    FROM (SELECT t, 1 + floor(getvariable('orders') * rnd(t, 'ticket order'))::BIGINT"
	"      AS o, rnd(t, 'about') < .60 AS about_order"
	"     FROM range(1, getvariable('tickets') + 1) numbers(t)))))";

const struct sample_table sample_tables[] = {
	{"customers", customers},
	{"products", products},
	{"campaigns", campaigns},
	{"web_sessions", web_sessions},
	{"web_leads", web_leads},
	{"orders", orders},
	{"order_items", order_items},
	{"payments", payments},
	{"support_tickets", support_tickets},
	{NULL, NULL},
};
