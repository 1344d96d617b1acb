#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/role.h"
#include "rolebridge/serving.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOKEN_MIN = 16, TOKEN_MAX = 256 };

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_serve = {
    .name = "serve",
    .arguments = "[ACCOUNT.ROLE…]",
    .summary = "Give unmodified AWS SDKs credentials that renew themselves, from a local server",
    .details =
        "Serves ECS container credentials on 127.0.0.1, at /ecs/ACCOUNT/ROLE for each role named, and prints "
        "the variables\n"
        "that SDKs find them by. Each request must show the token that is among them. --imds serves the "
        "first "
        "role as an EC2\n"
        "instance's metadata service too (version 2 alone), for programs that know nothing else: programs of "
        "your own user\n"
        "only. Runs until it is stopped. For a single command: 'rolebridge exec --server'.\n"
        "SDKs look here last: keys in the environment, or a [default] in ~/.aws, come first.\n\n"
        "Examples:\n"
        "  rolebridge serve analytics-prod.data-scientist > ~/.aws-env &    # then: . ~/.aws-env\n"
        "  rolebridge serve --listen 127.0.0.1:9911 --token-file ~/.aws-token analytics-prod.data-scientist\n"
        "  rolebridge serve --imds analytics-prod.data-scientist",
    .run = run,
};

typedef struct {
    char *listen, *duration, *token_file;
    gboolean metadata;
    guint16 port;
    gint64 duration_s;
    RbSecret *token;
} Options;

static void
options_clear(Options *o)
{
    g_free(o->listen);
    g_free(o->duration);
    g_free(o->token_file);
    rb_secret_unref(o->token);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static void
role_clear(gpointer data)
{
    RbDeliveryRole *role = data;

    g_free((char *)role->account);
    g_free((char *)role->role);
}

/* "9911", "127.0.0.1:9911", "localhost:9911"; no other address: whoever reaches it may try tokens. */
static gboolean
read_port(const char *text, guint16 *port, GError **error)
{
    const char *number = text;
    guint64 n;

    if (text == NULL)
        return TRUE;
    if (g_str_has_prefix(text, "127.0.0.1:"))
        number = text + strlen("127.0.0.1:");
    else if (g_str_has_prefix(text, "localhost:"))
        number = text + strlen("localhost:");
    if (!g_ascii_string_to_unsigned(number, 10, 1, G_MAXUINT16, &n, NULL)) {
        g_autofree char *quoted = rb_text_quote(text);
        return rb_cli_stop(error, RB_EXIT_USAGE,
                           "%s is not like 127.0.0.1:9911; it listens on 127.0.0.1 and nowhere else", quoted);
    }
    *port = (guint16)n;
    return TRUE;
}

/* What SDKs send in a header as it is. */
static gboolean
check_token(const RbSecret *token, const char *path, GError **error)
{
    const char *text = rb_secret_reveal(token);
    gsize size = rb_secret_size(token), n = 0;

    while (n < size && g_ascii_isgraph(text[n]) && text[n] != '\'') /* it is printed in quotes, for a shell */
        n++;
    return (n == size && size >= TOKEN_MIN && size <= TOKEN_MAX) ||
           rb_cli_stop(error, RB_EXIT_USAGE,
                       "%s holds no token: %d to %d printable characters without quotes", path, TOKEN_MIN,
                       TOKEN_MAX);
}

/* The token of --token-file; a new one is written where there is none yet. */
static gboolean
read_token(Options *o, GError **error)
{
    if (o->token_file == NULL)
        return TRUE;
    if (g_file_test(o->token_file, G_FILE_TEST_EXISTS)) {
        o->token = rb_file_read_secret(o->token_file, TOKEN_MAX + 1, TRUE, error);
        return o->token != NULL && check_token(o->token, o->token_file, error);
    }
    o->token = rb_secret_new_random(32);
    return rb_file_write(o->token_file, rb_secret_reveal(o->token), rb_secret_size(o->token), 0600, error);
}

static void
print_variables(const RbCli *cli, const RbServing *serving, const Options *o, guint n_roles)
{
    const RbDelivery *d = rb_serving_delivery(serving);
    g_autofree char *uri = rb_delivery_role_url(d, 0);
    /* AWS CLI 2.9 puts nothing between this and the path */
    g_autofree char *endpoint = g_strconcat(rb_delivery_url(d), "/", NULL);
    const char *token = rb_secret_reveal(rb_serving_token(serving));
    const struct {
        const char *name, *value;
    } variables[] = {
        { "AWS_CONTAINER_CREDENTIALS_FULL_URI", o->metadata ? NULL : uri },
        { "AWS_CONTAINER_AUTHORIZATION_TOKEN", o->metadata ? NULL : token },
        { "AWS_EC2_METADATA_SERVICE_ENDPOINT", o->metadata ? endpoint : NULL },
        { "AWS_REGION", cli->region },
    };
    json_t *json = json_object();

    for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
        if (variables[i].value != NULL && cli->json)
            (void)json_object_set_new(json, variables[i].name, json_string(variables[i].value));
        else if (variables[i].value != NULL)
            printf("export %s='%s'\n", variables[i].name, variables[i].value);
    if (cli->json)
        rb_cli_print_json(json);
    json_decref(json);
    for (guint i = 1; i < n_roles; i++) {
        g_autofree char *other = rb_delivery_role_url(d, i);
        fprintf(stderr, "rolebridge serve: also %s\n", other);
    }
    (void)fflush(stdout);
}

static int
serve(RbCli *cli, const Options *o, const GArray *roles)
{
    const RbServingAsk ask = { .roles = (const RbDeliveryRole *)(void *)roles->data,
                               .n_roles = roles->len,
                               .duration_s = o->duration_s,
                               .port = o->port,
                               .token = o->token,
                               .metadata = o->metadata };
    g_autoptr(GError) error = NULL;
    g_autoptr(RbServing) serving = NULL;
    struct pollfd stop = { .fd = rb_ending_signals(&error), .events = POLLIN };

    serving = stop.fd < 0 ? NULL : rb_serving_new(cli, &ask, &error);
    if (serving != NULL) {
        print_variables(cli, serving, o, roles->len);
        fprintf(stderr, "rolebridge serve: at %s until it is stopped (Ctrl-C)\n",
                rb_delivery_url(rb_serving_delivery(serving)));
        while (poll(&stop, 1, -1) < 0 && errno == EINTR)
            ;
    }
    if (stop.fd >= 0)
        (void)close(stop.fd);
    return serving != NULL ? RB_EXIT_OK : rb_cli_report(cli, error);
}

/* The roles named; none named: the person picks one. */
static gboolean
choose_roles(RbCli *cli, int argc, char **argv, GArray *roles, GError **error)
{
    for (int i = 1; i < MAX(argc, 2); i++) {
        char *account = NULL, *role = NULL;
        RbDeliveryRole one;
        if (!rb_role_choose(cli, argc > 1 ? argv[i] : NULL, &account, &role, error))
            return FALSE;
        one = (RbDeliveryRole){ account, role };
        g_array_append_val(roles, one);
    }
    return TRUE;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_auto(Options) o = { 0 };
    GOptionEntry entries[] = {
        { "listen", 0, 0, G_OPTION_ARG_STRING, &o.listen, "Where (default: 127.0.0.1 and a free port)",
          "127.0.0.1:PORT" },
        { "imds", 0, 0, G_OPTION_ARG_NONE, &o.metadata,
          "Also as an instance's metadata service, version 2; prints the variable for that", NULL },
        { "duration", 0, 0, G_OPTION_ARG_STRING, &o.duration,
          "How long each lease, like 30m or 8h (default: the role's)", "TIME" },
        { "token-file", 0, 0, G_OPTION_ARG_FILENAME, &o.token_file,
          "Take the token from this file, or write a new one to it", "FILE" },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) roles = g_array_new(FALSE, FALSE, sizeof(RbDeliveryRole));
    int status;

    g_array_set_clear_func(roles, role_clear);
    if (!rb_cli_parse(cli, &rb_command_serve, entries, &argc, &argv, &status))
        return status;
    if (!rb_cli_duration(o.duration, &o.duration_s))
        (void)rb_cli_stop(&error, RB_EXIT_USAGE, "--duration is a time like 30m or 8h");
    if (error != NULL || !read_port(o.listen, &o.port, &error) || !read_token(&o, &error) ||
        !choose_roles(cli, argc, argv, roles, &error))
        return rb_cli_report(cli, error);
    return serve(cli, &o, roles);
}
