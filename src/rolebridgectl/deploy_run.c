#include "base/encoding.h"
#include "base/refusal.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/deploy.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SESSION_S = 3600, RENEW_S = 300 };

void
rb_deploy_asked_clear(RbDeployAsked *asked)
{
    g_free(asked->mappings);
    g_free(asked->role_name);
    g_free(asked->session_name);
    g_free(asked->region);
    g_free(asked->digest);
    g_free(asked->output);
    g_free(asked->plan);
    g_free(asked->iam_endpoint);
    g_free(asked->sts_endpoint);
    g_strfreev(asked->accounts);
}

/* ---- a way into an account ---- */

/* Credentials of one account, renewed in time; used by one thread. */
typedef struct {
    RbDeployRun *run;
    const RbCompiledAccount *account;
    RbCredentials *credentials;
} Way;

static void
way_free(gpointer data)
{
    Way *way = data;

    rb_credentials_unref(way->credentials);
    g_free(way);
}

/* The role that rolebridgectl takes in the account; by role chaining, so an hour at a time. */
static RbCredentials *
take_role(const Way *way, gint64 now, GError **error)
{
    const RbAccount *account = way->account->account;
    const RbDeployAsked *asked = way->run->asked;
    g_autofree char *arn =
        g_strdup_printf("arn:%s:iam::%s:role/%s", account->partition, account->id, asked->role_name);
    static const char *const nobody[] = { NULL };
    const RbIdentity facts = { .subject = asked->session_name,
                               .name = asked->session_name,
                               .provider = "rolebridgectl",
                               .issuer = "rolebridgectl",
                               .groups = nobody };
    g_autoptr(RbIdentity) identity = rb_identity_new(&facts, error);
    const RbGrant grant = { .account = account->id,
                            .account_name = account->name,
                            .partition = account->partition,
                            .region = account->region,
                            .role = asked->role_name,
                            .role_arn = arn,
                            .default_session_s = SESSION_S,
                            .max_session_s = SESSION_S,
                            .role_max_session_s = SESSION_S,
                            .chained = TRUE,
                            .method = RB_ISSUE_ASSUME_ROLE };

    return identity == NULL ? NULL : rb_issue(way->run->issuer, &grant, identity, 0, now, error);
}

/* Whether @own are of the account; @known: it could be told. Asked of AWS once in a run. */
static gboolean
is_home(const Way *way, RbCredentials *own, gint64 now, gboolean *known, GError **error)
{
    RbDeployRun *run = way->run;
    const RbAccount *account = way->account->account;
    gboolean here;

    g_mutex_lock(&run->lock);
    if (run->home == NULL)
        run->home = rb_issuer_account(run->issuer, account->partition, own, now, error);
    *known = run->home != NULL;
    here = *known && g_str_equal(run->home, account->id);
    g_mutex_unlock(&run->lock);
    return here;
}

static RbCredentials *
credentials(gpointer data, GError **error)
{
    Way *way = data;
    const RbClock clock = rb_clock_system();
    gint64 now = rb_clock_now(&clock);
    g_autoptr(RbCredentials) own = NULL;
    gboolean home, known;

    if (way->credentials != NULL && way->credentials->expiration - now > RENEW_S)
        return rb_credentials_ref(way->credentials);
    own = rb_issuer_own(way->run->issuer, now, error);
    if (own == NULL)
        return NULL;
    home = is_home(way, own, now, &known, error);
    if (home)
        return g_steal_pointer(&own);
    if (known && way->run->asked->direct)
        (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "the credentials at hand are of another account: %s",
                       way->run->home);
    if (!known || way->run->asked->direct)
        return NULL;
    rb_credentials_unref(way->credentials);
    way->credentials = take_role(way, now, error);
    return way->credentials == NULL ? NULL : rb_credentials_ref(way->credentials);
}

static const char *
endpoint_of(const char *asked, const char *service)
{
    const char *own = asked != NULL ? asked : g_getenv(service);

    return own != NULL && *own != '\0' ? own : g_getenv("AWS_ENDPOINT_URL");
}

static RbIam *
open_account(const RbCompiledAccount *account, gpointer data, GError **error)
{
    RbDeployRun *run = data;
    Way *way = g_new0(Way, 1);
    const RbIamSetting setting = { .http = run->http,
                                   .clock = rb_clock_system(),
                                   .endpoint = endpoint_of(run->asked->iam_endpoint, "AWS_ENDPOINT_URL_IAM"),
                                   .partition = account->account->partition,
                                   .credentials = credentials,
                                   .data = way,
                                   .stop = &run->stop };
    RbIam *iam = rb_iam_new(&setting);

    way->run = run;
    way->account = account;
    g_mutex_lock(&run->lock);
    g_ptr_array_add(run->ways, way);
    g_mutex_unlock(&run->lock);
    if (iam == NULL)
        g_set_error(error, RB_IAM_ERROR, RB_IAM_OTHER, "no address of IAM is known in partition %s",
                    account->account->partition);
    return iam;
}

/* ---- progress ---- */

static void
progress(guint done, guint total, const RbCompiledAccount *account, const RbStep *what, gpointer data)
{
    const RbDeployRun *run = data;
    g_autofree char *text = what == NULL ? NULL : rb_step_text(what);

    if (run->bar)
        (void)fprintf(stderr, "\r\033[K%s %u of %u  %s%s%.60s", run->doing, done, total,
                      account->account->name, text == NULL ? "" : ": ", text == NULL ? "" : text);
    else if (what != NULL)
        (void)fprintf(stderr, "%s: %s\n", account->account->name, text);
    if (run->bar && done == total && what == NULL)
        (void)fprintf(stderr, "\r\033[K");
}

/* ---- the run ---- */

static RbDeployRun *running; /* for the signal alone */

static void
on_signal(int number)
{
    static const char told[] = "\nStopping after what is under way; again: at once.\n";

    (void)signal(number, SIG_DFL);
    if (running != NULL)
        g_atomic_int_set(&running->stop, 1);
    if (write(STDERR_FILENO, told, sizeof told - 1) < 0)
        return; /* nobody listens */
}

static gboolean
compile(RbDeployRun *run)
{
    g_autofree char *directory = rb_command_mappings(run->asked->mappings), *text = NULL;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();

    if (directory == NULL)
        return FALSE;
    run->snapshot = rb_snapshot_load(directory, problems);
    if (run->snapshot != NULL)
        run->compiled = rb_compile(run->snapshot, (const char *const *)run->asked->accounts, problems);
    if (run->compiled == NULL) {
        text = rb_diagnostics_to_text(problems, isatty(STDERR_FILENO) && g_getenv("NO_COLOR") == NULL);
        g_printerr("%s", text);
        return FALSE;
    }
    run->accounts = rb_compiled_accounts(run->compiled, &run->n_accounts);
    return TRUE;
}

/* `aws` as rolebridge.yaml would have it, out of the command line and the environment. */
static gboolean
open_aws(RbDeployRun *run)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    const char *sts = endpoint_of(run->asked->sts_endpoint, "AWS_ENDPOINT_URL_STS");
    json_t *aws = json_pack("{s:s*, s:s*}", "region", run->asked->region, "sts_endpoint", sts);
    char *text = json_dumps(aws, JSON_COMPACT);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(RbYamlDocument) document = rb_yaml_parse("AWS_ENDPOINT_URL_STS", bytes, problems);
    g_autoptr(GError) error = NULL;
    g_autofree char *why = NULL;

    free(text);
    json_decref(aws);
    run->http = rb_http_new(&(RbHttpOptions){ .ca_file = g_getenv("AWS_CA_BUNDLE") }, &error);
    if (run->http != NULL && document != NULL) {
        const RbIssuerSetting setting = { .aws = rb_yaml_root(document),
                                          .http = run->http,
                                          .clock = rb_clock_system() };
        run->issuer = rb_issuer_new(&setting, problems);
    }
    if (run->issuer != NULL && rb_diagnostics_count(problems) == 0)
        return TRUE;
    why = rb_diagnostics_to_line(problems);
    g_printerr("rolebridgectl: %s\n", error != NULL ? error->message : why);
    return FALSE;
}

int
rb_deploy_begin(RbDeployRun *run, const RbDeployAsked *asked)
{
    *run = (RbDeployRun){ .asked = asked };
    g_mutex_init(&run->lock);
    run->ways = g_ptr_array_new_with_free_func(way_free);
    run->bar = isatty(STDERR_FILENO);
    run->doing = "reading";
    run->fleet = (RbFleet){ .open = open_account,
                            .progress = progress,
                            .data = run,
                            .parallel = (guint)asked->parallel,
                            .stop = &run->stop };
    if (!compile(run))
        return RB_EXIT_NO;
    if (!open_aws(run))
        return RB_EXIT_FAULT;
    running = run;
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    return RB_EXIT_OK;
}

void
rb_deploy_end(RbDeployRun *run)
{
    running = NULL;
    if (run->ways == NULL)
        return;
    g_ptr_array_unref(run->ways);
    g_free(run->home);
    rb_issuer_free(run->issuer);
    rb_http_free(run->http);
    rb_compiled_free(run->compiled);
    rb_snapshot_unref(run->snapshot);
    g_mutex_clear(&run->lock);
}
