/* How the server is told where to listen. */
#include "agnesd/serve_options.h"

enum { DEFAULT_PORT = 8000 };

struct serve_options serve_options = {.port = DEFAULT_PORT, .listener = SERVE_NO_LISTENER};

const GOptionEntry serve_option_entries[] = {
	{"host", 0, 0, G_OPTION_ARG_STRING, &serve_options.host,
	 "Address to listen on (default: 0.0.0.0, all)", "ADDRESS"},
	{"port", 0, 0, G_OPTION_ARG_INT, &serve_options.port,
	 "Port to listen on, 0 for any (default: 8000)", "PORT"},
	{"tls-certificate", 0, 0, G_OPTION_ARG_FILENAME, &serve_options.certificate,
	 "Serve HTTPS with this certificate chain in PEM", "FILE"},
	{"tls-key", 0, 0, G_OPTION_ARG_FILENAME, &serve_options.key, "Its private key in PEM",
	 "FILE"},
	{"listener", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &serve_options.listener,
	 "A listening socket to serve on", "DESCRIPTOR"},
	G_OPTION_ENTRY_NULL,
};

static void add(GPtrArray *arguments, const char *option, const char *value)
{
	if (value)
		g_ptr_array_add(arguments, g_strconcat(option, "=", value, NULL));
}

void serve_options_pass_on(GPtrArray *arguments)
{
	g_autofree char *port = g_strdup_printf("%d", serve_options.port);
	add(arguments, "--host", serve_options.host);
	add(arguments, "--port", port);
	add(arguments, "--tls-certificate", serve_options.certificate);
	add(arguments, "--tls-key", serve_options.key);
}
