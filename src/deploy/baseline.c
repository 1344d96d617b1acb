#include "deploy/baseline.h"

#include "base/encoding.h"

#include <string.h>

enum { KEY_DAYS = 90, PASSWORD_MIN = 14, DAY_S = 24 * 3600, SHOWN = 5 };

/* ---- facts ---- */

/* The answer of a call; an empty object where what is asked for is not there. */
static json_t *
ask(RbIam *iam, const char *action, const char *name, const char *value, GError **error)
{
    const char *const fields[] = { name, value, NULL };
    g_autoptr(GError) why = NULL;
    json_t *answer = rb_iam_call(iam, action, name == NULL ? NULL : fields, &why);

    if (answer != NULL)
        return answer;
    if (g_error_matches(why, RB_IAM_ERROR, RB_IAM_NO_SUCH_ENTITY))
        return json_object();
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static json_t *
read_key(RbIam *iam, const json_t *key, GError **error)
{
    const char *id = rb_iam_text(key, "AccessKeyId");
    json_t *used = ask(iam, "GetAccessKeyLastUsed", "AccessKeyId", id, error), *out;

    if (used == NULL)
        return NULL;
    out = json_pack("{s:s, s:b, s:s, s:s}", "id", id, "active",
                    g_str_equal(rb_iam_text(key, "Status"), "Active"), "created",
                    rb_iam_text(key, "CreateDate"), "used",
                    rb_iam_text(json_object_get(used, "AccessKeyLastUsed"), "LastUsedDate"));
    json_decref(used);
    return out;
}

typedef json_t *(*ReadOne)(RbIam *iam, const json_t *item, GError **error);

/* @list (taken over; NULL: it could not be got) with each of its items as @read makes it. */
static json_t *
read_each(RbIam *iam, json_t *list, ReadOne read, GError **error)
{
    json_t *out = json_array(), *item;
    gboolean ok = list != NULL;
    size_t i;

    json_array_foreach(list, i, item)
    {
        json_t *one = ok ? read(iam, item, error) : NULL;
        ok = one != NULL && json_array_append_new(out, one) == 0;
    }
    json_decref(list);
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}

static json_t *
read_keys(RbIam *iam, const char *user, GError **error)
{
    const char *const fields[] = { "UserName", user, NULL };

    return read_each(iam, rb_iam_list(iam, "ListAccessKeys", "AccessKeyMetadata", fields, error), read_key,
                     error);
}

static json_t *
read_user(RbIam *iam, const json_t *item, GError **error)
{
    const char *user = rb_iam_text(item, "UserName");
    const char *const fields[] = { "UserName", user, NULL };
    json_t *mfa = rb_iam_list(iam, "ListMFADevices", "MFADevices", fields, error);
    json_t *login = mfa == NULL ? NULL : ask(iam, "GetLoginProfile", "UserName", user, error);
    json_t *keys = login == NULL ? NULL : read_keys(iam, user, error), *out = NULL;

    if (keys != NULL)
        out = json_pack("{s:s, s:b, s:b, s:O}", "name", user, "password", json_object_size(login) > 0, "mfa",
                        json_array_size(mfa) > 0, "keys", keys);
    json_decref(mfa);
    json_decref(login);
    json_decref(keys);
    return out;
}

static json_t *
read_users(RbIam *iam, GError **error)
{
    return read_each(iam, rb_iam_list(iam, "ListUsers", "Users", NULL, error), read_user, error);
}

/* {"UsersQuota": "5000"} of [{key, value}]. */
static json_t *
read_summary(RbIam *iam, GError **error)
{
    json_t *answer = ask(iam, "GetAccountSummary", NULL, NULL, error), *out, *entry;
    size_t i;

    if (answer == NULL)
        return NULL;
    out = json_object();
    json_array_foreach(json_object_get(answer, "SummaryMap"), i, entry)(void)
        json_object_set_new(out, rb_iam_text(entry, "key"), json_string(rb_iam_text(entry, "value")));
    json_decref(answer);
    return out;
}

json_t *
rb_baseline_facts(RbIam *iam, GError **error)
{
    json_t *summary = read_summary(iam, error), *out = NULL;
    json_t *policy = summary == NULL ? NULL : ask(iam, "GetAccountPasswordPolicy", NULL, NULL, error);
    json_t *aliases =
        policy == NULL ? NULL : rb_iam_list(iam, "ListAccountAliases", "AccountAliases", NULL, error);
    json_t *users = aliases == NULL ? NULL : read_users(iam, error);

    if (users != NULL)
        out = json_pack("{s:O, s:O?, s:O, s:O}", "summary", summary, "password_policy",
                        json_object_get(policy, "PasswordPolicy"), "aliases", aliases, "users", users);
    json_decref(summary);
    json_decref(policy);
    json_decref(aliases);
    json_decref(users);
    return out;
}

/* ---- the judgement ---- */

typedef struct {
    const json_t *facts;
    gint64 now;
    GPtrArray *rows;
} Judge;

static void
row_free(gpointer data)
{
    RbBaselineRow *row = data;

    g_free(row->what);
    g_free(row->fix);
    g_free(row);
}

/* Takes @what and @fix over; @fix is dropped where nothing is open. */
static void
say(Judge *j, const char *id, gboolean open, char *what, const char *why, char *fix)
{
    RbBaselineRow *row = g_new0(RbBaselineRow, 1);

    row->id = id;
    row->open = open;
    row->what = what;
    row->why = why;
    row->fix = open ? fix : NULL;
    if (!open)
        g_free(fix);
    g_ptr_array_add(j->rows, row);
}

static gint64
summary_number(const Judge *j, const char *key)
{
    return g_ascii_strtoll(rb_iam_text(json_object_get(j->facts, "summary"), key), NULL, 10);
}

static void
judge_root(Judge *j)
{
    gboolean mfa = summary_number(j, "AccountMFAEnabled") == 1;
    gboolean keys = summary_number(j, "AccountAccessKeysPresent") > 0;

    say(j, "root-mfa", !mfa, g_strdup(mfa ? "the root user has MFA" : "the root user has no MFA"),
        "Nobody can take anything away from root: a password alone must not be it.",
        g_strdup("sign in as root: Security credentials, Assign MFA device"));
    say(j, "root-keys", keys,
        g_strdup(keys ? "the root user has access keys" : "the root user has no access keys"),
        "A key of root can do everything and cannot be limited.",
        g_strdup("sign in as root: Security credentials, delete every access key"));
}

/* What is missing of the password policy, in words; "" where nothing is. */
static char *
password_lacks(const json_t *policy)
{
    static const struct {
        const char *key, *words;
    } wanted[] = {
        { "RequireSymbols", "symbols" },
        { "RequireNumbers", "numbers" },
        { "RequireUppercaseCharacters", "upper case" },
        { "RequireLowercaseCharacters", "lower case" },
    };
    GString *out = g_string_new(NULL);

    if (g_ascii_strtoll(rb_iam_text(policy, "MinimumPasswordLength"), NULL, 10) < PASSWORD_MIN)
        g_string_append_printf(out, "%d characters", PASSWORD_MIN);
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (!g_str_equal(rb_iam_text(policy, wanted[i].key), "true"))
            g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "", wanted[i].words);
    if (g_ascii_strtoll(rb_iam_text(policy, "PasswordReusePrevention"), NULL, 10) < 1)
        g_string_append_printf(out, "%sno reuse", out->len > 0 ? ", " : "");
    return g_string_free(out, FALSE);
}

static void
judge_passwords(Judge *j)
{
    const json_t *policy = json_object_get(j->facts, "password_policy");
    g_autofree char *lacks = password_lacks(policy);
    gboolean none = !json_is_object(policy), open = none || *lacks != '\0';

    say(j, "password-policy", open,
        none   ? g_strdup("there is no password policy")
        : open ? g_strdup_printf("the password policy does not ask for: %s", lacks)
               : g_strdup("the password policy asks for long passwords of many kinds"),
        "A user with a weak password is a door beside the directory.",
        g_strdup_printf(
            "aws iam update-account-password-policy --minimum-password-length %d --require-symbols "
            "--require-numbers --require-uppercase-characters --require-lowercase-characters "
            "--password-reuse-prevention 24",
            PASSWORD_MIN));
}

static void
judge_alias(Judge *j)
{
    const json_t *aliases = json_object_get(j->facts, "aliases");
    const char *alias = json_string_value(json_array_get(aliases, 0));

    say(j, "alias", alias == NULL,
        alias == NULL ? g_strdup("the account has no alias")
                      : g_strdup_printf("the account's alias is %s", alias),
        "People tell accounts apart by a name, not by twelve digits.",
        g_strdup("aws iam create-account-alias --account-alias NAME"));
}

/* A list of names of which the first few are told. */
typedef struct {
    GString *text;
    guint n;
    char *first;
} Names;

static void
names_add(Names *names, const char *text)
{
    g_autofree char *shown = rb_text_printable(text, 128);

    if (names->text == NULL)
        names->text = g_string_new(NULL);
    if (names->n == 0)
        names->first = g_strdup(text);
    if (names->n < SHOWN)
        g_string_append_printf(names->text, "%s%s", names->n == 0 ? "" : ", ", shown);
    names->n++;
}

/* "2 users: ada, bob" */
static char *
names_end(Names *names, const char *one, const char *many, const char *none)
{
    g_autofree char *list = names->text == NULL ? NULL : g_string_free(names->text, FALSE);

    if (names->n == 0)
        return g_strdup(none);
    return g_strdup_printf("%u %s: %s%s", names->n, names->n == 1 ? one : many, list,
                           names->n > SHOWN ? ", …" : "");
}

static void
judge_users(Judge *j)
{
    Names all = { 0 }, open = { 0 };
    json_t *user;
    size_t i;

    json_array_foreach(json_object_get(j->facts, "users"), i, user)
    {
        names_add(&all, rb_iam_text(user, "name"));
        if (json_is_true(json_object_get(user, "password")) && !json_is_true(json_object_get(user, "mfa")))
            names_add(&open, rb_iam_text(user, "name"));
    }
    say(j, "users-mfa", open.n > 0,
        names_end(&open, "user signs in with a password alone", "users sign in with a password alone",
                  "no user signs in with a password alone"),
        "A password that was guessed or fished for opens the console.",
        g_strdup_printf("aws iam delete-login-profile --user-name %s    # or give the user an MFA device",
                        open.first == NULL ? "" : open.first));
    say(j, "users", all.n > 0, names_end(&all, "IAM user", "IAM users", "there are no IAM users"),
        "People and programs take roles for a while; a user's keys are good until somebody remembers them.",
        g_strdup("give each a business role in mappings/, then: aws iam delete-user --user-name NAME"));
    g_free(open.first);
    g_free(all.first);
}

/* Days since @text; -1: it says nothing. */
static gint64
days_since(const Judge *j, const char *text)
{
    gint64 at;

    return rb_time_parse(text, &at) ? (j->now - at) / DAY_S : -1;
}

static void
judge_key(const Judge *j, const json_t *user, const json_t *key, Names *old, Names *unused)
{
    gint64 age = days_since(j, rb_iam_text(key, "created")), idle = days_since(j, rb_iam_text(key, "used"));
    g_autofree char *name = g_strdup_printf("%s of %s", rb_iam_text(key, "id"), rb_iam_text(user, "name"));

    if (!json_is_true(json_object_get(key, "active")))
        return;
    if (age > KEY_DAYS)
        names_add(old, name);
    if (idle > KEY_DAYS || (idle < 0 && age >= 1)) /* not used since, or never */
        names_add(unused, name);
}

static void
judge_keys(Judge *j)
{
    Names old = { 0 }, unused = { 0 };
    json_t *user, *key;
    size_t i, k;

    json_array_foreach(json_object_get(j->facts, "users"), i, user)
        json_array_foreach(json_object_get(user, "keys"), k, key) judge_key(j, user, key, &old, &unused);
    say(j, "keys-old", old.n > 0,
        names_end(&old, "access key is older than 90 days", "access keys are older than 90 days",
                  "no access key is older than 90 days"),
        "The longer a key lives, the more places it has been copied to.",
        g_strdup("aws iam update-access-key --status Inactive --access-key-id KEY --user-name NAME    # then "
                 "a role"));
    say(j, "keys-unused", unused.n > 0,
        names_end(&unused, "access key is not in use", "access keys are not in use",
                  "every access key is in use"),
        "Nobody misses it, and nobody would notice who else has it.",
        g_strdup("aws iam delete-access-key --access-key-id KEY --user-name NAME"));
    g_free(old.first);
    g_free(unused.first);
}

GPtrArray *
rb_baseline_judge(const json_t *facts, gint64 now)
{
    Judge j = { facts, now, g_ptr_array_new_with_free_func(row_free) };

    judge_root(&j);
    judge_passwords(&j);
    judge_alias(&j);
    judge_users(&j);
    judge_keys(&j);
    return j.rows;
}
