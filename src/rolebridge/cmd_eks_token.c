#include "base/encoding.h"
#include "rolebridge/eks_token.h"
#include "rolebridge/login.h"
#include "rolebridge/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOOD_FOR_S = 14 * 60 }; /* of the 15 minutes that STS accepts it for */

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_eks_token = {
    .name = "eks-token",
    .arguments = "[ACCOUNT.ROLE]",
    .summary = "Print a token for an Amazon EKS cluster, as kubectl asks for it",
    .details =
        "The same as 'aws eks get-token', in a role of yours: an ExecCredential with a token for 14 minutes, "
        "at most as long\n"
        "as the role's credentials last. --kubeconfig prints the user for ~/.kube/config instead. --login "
        "opens a browser\n"
        "where that is needed.\n\n"
        "Examples:\n"
        "  rolebridge eks-token --cluster research --region eu-central-1 analytics-prod.data-scientist\n"
        "  rolebridge eks-token --cluster research --kubeconfig analytics-prod.data-scientist",
    .run = run,
};

static void
print_wiped(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);

    puts(text);
    rb_wipe(text, strlen(text));
    free(text);
    json_decref(json);
}

static gboolean
print_credential(RbCli *cli, const char *cluster, const char *account, const char *role, gboolean sign_in,
                 GError **error)
{
    const char *version = rb_eks_api_version(g_getenv("KUBERNETES_EXEC_INFO"));
    g_autofree char *sts = rb_eks_sts_url(cli->region, error);
    g_autoptr(RbLease) lease = NULL;
    g_autoptr(RbSecret) token = NULL;
    gint64 now;

    if (sts == NULL)
        return FALSE;
    if (version == NULL)
        return rb_cli_stop(error, RB_EXIT_USAGE,
                           "KUBERNETES_EXEC_INFO asks for an apiVersion other than "
                           "client.authentication.k8s.io/v1 and v1beta1");
    lease = rb_login_lease(cli, account, role, 0, sign_in, error);
    if (lease == NULL)
        return FALSE;
    now = rb_clock_now(&cli->clock);
    token = rb_eks_token(lease, cluster, cli->region, sts, now, error);
    if (token == NULL)
        return FALSE;
    print_wiped(rb_eks_credential(token, version, MIN(now + GOOD_FOR_S, lease->expiration)));
    return TRUE;
}

/* Values from the command line go in as JSON strings, which are YAML's too. */
static gboolean
print_kubeconfig(const RbCli *cli, const char *cluster, const char *account, const char *role, GError **error)
{
    g_autofree char *spec = g_strdup_printf("%s.%s", account, role);
    g_autofree char *user = g_strdup_printf("%s@%s", spec, cluster);
    const char *const arguments[] = { "eks-token", "--cluster", cluster, "--region",
                                      cli->region, "--login",   spec };
    json_t *list, *name = json_string(user);
    char *quoted, *args;

    if (name == NULL)
        return rb_cli_stop(error, RB_EXIT_USAGE, "the role's name is not UTF-8");
    list = json_array();
    quoted = json_dumps(name, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    for (gsize i = 0; i < G_N_ELEMENTS(arguments); i++)
        (void)json_array_append_new(list, json_string(arguments[i]));
    args = json_dumps(list, JSON_ENSURE_ASCII);
    printf("users:\n"
           "- name: %s\n"
           "  user:\n"
           "    exec:\n"
           "      apiVersion: client.authentication.k8s.io/v1\n"
           "      command: rolebridge\n"
           "      args: %s\n"
           "      interactiveMode: IfAvailable\n",
           quoted, args);
    free(quoted);
    free(args);
    json_decref(list);
    json_decref(name);
    return TRUE;
}

static int
run(RbCli *cli, int argc, char **argv)
{
    g_autofree char *cluster = NULL, *region = NULL, *account = NULL, *role = NULL;
    gboolean kubeconfig = FALSE, sign_in = FALSE;
    GOptionEntry entries[] = {
        { "cluster", 0, 0, G_OPTION_ARG_STRING, &cluster, "The EKS cluster's name", "NAME" },
        { "region", 0, 0, G_OPTION_ARG_STRING, &region, "The cluster's region (default: as configured)",
          "REGION" },
        { "kubeconfig", 0, 0, G_OPTION_ARG_NONE, &kubeconfig, "Print the user for ~/.kube/config", NULL },
        { "login", 0, 0, G_OPTION_ARG_NONE, &sign_in, "Sign in first where that is needed", NULL },
        { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    int status;

    if (!rb_cli_parse(cli, &rb_command_eks_token, entries, &argc, &argv, &status))
        return status;
    if (argc > 2 || cluster == NULL || !rb_eks_cluster_check(cluster))
        (void)rb_cli_stop(&error, RB_EXIT_USAGE, "%s; see 'rolebridge eks-token --help'",
                          argc > 2 ? "give one role"
                                   : "--cluster is a cluster's name: letters, digits, '-' and '_'");
    else if (region != NULL)
        (void)rb_cli_set_region(cli, region, &error);
    if (error != NULL || !rb_role_choose(cli, argc == 2 ? argv[1] : NULL, &account, &role, &error))
        return rb_cli_report(cli, error);
    if (!(kubeconfig ? print_kubeconfig(cli, cluster, account, role, &error)
                     : print_credential(cli, cluster, account, role, sign_in, &error)))
        return rb_cli_report(cli, error);
    return RB_EXIT_OK;
}
