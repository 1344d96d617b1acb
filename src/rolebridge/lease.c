#include "rolebridge/lease.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/agent_client.h"
#include "rolebridge/bridge.h"
#include "rolebridge/keyring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARN_MAX 2048
#define EXPIRATION_MAX G_GINT64_CONSTANT(253402300799) /* the year 9999 */

enum { FILE_MAX = 256 * 1024, LOCK_WAIT_S = 60, SPARE_S = 15 * 60, MIN_S = 60 };

void
rb_lease_free(RbLease *lease)
{
    if (lease == NULL)
        return;
    g_free(lease->account);
    g_free(lease->role);
    g_free(lease->account_id);
    g_free(lease->assumed_role_arn);
    g_free(lease->access_key_id);
    rb_secret_unref(lease->secret_access_key);
    rb_secret_unref(lease->session_token);
    g_free(lease);
}

RbLease *
rb_lease_copy(const RbLease *lease)
{
    RbLease *copy = g_new0(RbLease, 1);

    copy->account = g_strdup(lease->account);
    copy->role = g_strdup(lease->role);
    copy->account_id = g_strdup(lease->account_id);
    copy->assumed_role_arn = g_strdup(lease->assumed_role_arn);
    copy->access_key_id = g_strdup(lease->access_key_id);
    copy->secret_access_key = rb_secret_ref(lease->secret_access_key);
    copy->session_token = rb_secret_ref(lease->session_token);
    copy->expiration = lease->expiration;
    copy->issued_at = lease->issued_at;
    return copy;
}

static char *
cache_folder(const RbCli *cli)
{
    g_autofree char *session = rb_text_handle(cli->session);

    return g_build_filename(cli->cache_dir, "credentials", session, NULL);
}

/* Names the cache file and the lock of one role and duration; reveals neither. */
static char *
cache_key(const RbCli *cli, const char *account, const char *role, gint64 duration_s)
{
    g_autofree char *text =
        g_strdup_printf("%s\n%s\n%s\n%s\n%" G_GINT64_FORMAT, cli->bridge != NULL ? cli->bridge : "",
                        cli->session, account, role, duration_s);

    return rb_text_handle(text);
}

static RbSecret *
secret_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text == NULL ? NULL : rb_secret_new_text(text);
}

/* Credentials end in shells and files: text of any other alphabet than AWS's is not taken. */
static gboolean
is_aws_text(const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-";

    return text != NULL && *text != '\0' && strspn(text, alphabet) == strlen(text);
}

static gboolean
is_account_id(const char *text)
{
    return strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

/* "arn:aws:sts::111122223333:assumed-role/…": printable ASCII, so that it may be shown and put into JSON. */
static gboolean
is_arn(const char *text)
{
    if (text == NULL || !g_str_has_prefix(text, "arn:") || strlen(text) > ARN_MAX)
        return FALSE;
    for (; *text != '\0'; text++)
        if (!g_ascii_isgraph(*text))
            return FALSE;
    return TRUE;
}

/* As stated, or as in the assumed role's ARN: arn:aws:sts::111122223333:assumed-role/… */
static char *
account_id_of(const json_t *json)
{
    const char *stated = json_string_value(json_object_get(json, "accountId"));
    const char *arn = json_string_value(json_object_get(json, "assumedRoleArn"));
    g_auto(GStrv) parts = arn != NULL ? g_strsplit(arn, ":", 6) : NULL;

    if (stated == NULL && parts != NULL && g_strv_length(parts) == 6)
        stated = parts[4];
    return stated != NULL && is_account_id(stated) ? g_strdup(stated) : NULL;
}

RbLease *
rb_lease_from_json(const json_t *json, const char *account, const char *role)
{
    g_autoptr(RbLease) lease = g_new0(RbLease, 1);
    const char *arn = json_string_value(json_object_get(json, "assumedRoleArn"));

    lease->account = g_strdup(account);
    lease->role = g_strdup(role);
    lease->account_id = account_id_of(json);
    lease->assumed_role_arn = is_arn(arn) ? g_strdup(arn) : NULL;
    lease->access_key_id = g_strdup(json_string_value(json_object_get(json, "accessKeyId")));
    lease->secret_access_key = secret_of(json, "secretAccessKey");
    lease->session_token = secret_of(json, "sessionToken");
    lease->expiration = json_integer_value(json_object_get(json, "expiration")) / 1000;
    lease->issued_at = json_integer_value(json_object_get(json, "issuedAt"));
    if (!is_aws_text(lease->access_key_id) || lease->secret_access_key == NULL ||
        lease->session_token == NULL || !is_aws_text(rb_secret_reveal(lease->secret_access_key)) ||
        !is_aws_text(rb_secret_reveal(lease->session_token)) || lease->expiration <= 0 ||
        lease->expiration > EXPIRATION_MAX)
        return NULL;
    lease->issued_at = CLAMP(lease->issued_at, 0, lease->expiration);
    return g_steal_pointer(&lease);
}

json_t *
rb_lease_to_json(const RbLease *lease)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s*, s:s*}", "accessKeyId", lease->access_key_id,
                     "secretAccessKey", rb_secret_reveal(lease->secret_access_key), "sessionToken",
                     rb_secret_reveal(lease->session_token), "expiration",
                     (json_int_t)lease->expiration * 1000, "issuedAt", (json_int_t)lease->issued_at,
                     "accountId", lease->account_id, "assumedRoleArn", lease->assumed_role_arn);
}

gint64
rb_lease_renew_at(const RbLease *lease)
{
    return lease->expiration - MIN(SPARE_S, (lease->expiration - lease->issued_at) / 4);
}

gboolean
rb_lease_is_usable(const RbLease *lease, gint64 now)
{
    return lease->expiration - now > MIN_S;
}

/* Where one lease is kept. */
typedef struct {
    const RbCli *cli;
    const char *account, *role;
    gint64 duration_s; /* 0: the role's default */
    char *key, *path;
} Place;

static void
place_clear(Place *place)
{
    g_free(place->key);
    g_free(place->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static RbSecret *
read_bytes(const Place *place)
{
    if (place->cli->keyring)
        return rb_keyring_lookup(place->cli->session, place->key);
    if (!g_file_test(place->path, G_FILE_TEST_EXISTS))
        return NULL;
    return rb_file_read_secret(place->path, FILE_MAX, FALSE, NULL); /* an unusable cache is no cache */
}

/* What is cached and need not be renewed yet. */
static RbLease *
read_cached(const Place *place, gint64 now)
{
    g_autoptr(RbSecret) bytes = read_bytes(place);
    g_autoptr(RbLease) lease = NULL;
    json_t *json;

    json = bytes == NULL
               ? NULL
               : json_loadb(rb_secret_reveal(bytes), rb_secret_size(bytes), JSON_REJECT_DUPLICATES, NULL);
    lease = json_is_object(json) ? rb_lease_from_json(json, place->account, place->role) : NULL;
    json_decref(json);
    if (lease == NULL)
        return NULL;
    lease->issued_at = MIN(lease->issued_at, now); /* a clock that was ahead makes no short life */
    return now < rb_lease_renew_at(lease) ? g_steal_pointer(&lease) : NULL;
}

static gboolean
write_cached(const Place *place, const RbLease *lease, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(place->path);
    g_autoptr(RbSecret) secret = NULL;
    json_t *json = rb_lease_to_json(lease);
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    secret = rb_secret_new_text(text);
    rb_wipe(text, strlen(text));
    free(text);
    if (place->cli->keyring)
        return rb_keyring_store(place->cli->session, place->key, secret, error);
    return rb_cli_make_folder(folder, error) &&
           rb_file_write(place->path, rb_secret_reveal(secret), rb_secret_size(secret), 0600, error);
}

/* Keeps what was issued; where that cannot be, the credentials work all the same. */
static void
keep(const Place *place, const RbLease *lease)
{
    g_autoptr(GError) error = NULL;

    if (!write_cached(place, lease, &error))
        fprintf(stderr, "rolebridge: warning: the credentials are not cached: %s\n", error->message);
}

RbLease *
rb_lease_issue(RbCli *cli, const char *account, const char *role, gint64 duration_s, GError **error)
{
    g_autofree char *a = rb_uri_encode(account), *r = rb_uri_encode(role);
    g_autofree char *most =
        duration_s > 0 ? g_strdup_printf("&duration=%" G_GINT64_FORMAT, duration_s) : g_strdup("");
    g_autofree char *query = g_strdup_printf("account=%s&role=%s%s", a, r, most);
    json_t *answer = rb_bridge_get(cli, "/api/v1/credentials", query, error);
    json_t *json = json_object_get(answer, "roleCredentials");
    RbLease *lease = json_is_object(json) ? rb_lease_from_json(json, account, role) : NULL;

    if (answer != NULL && lease == NULL)
        (void)rb_fault(error, RB_FAULT_NETWORK, "the bridge's answer has no credentials in it");
    if (lease != NULL)
        lease->issued_at = MIN(rb_clock_now(&cli->clock), lease->expiration);
    json_decref(answer);
    return lease;
}

/* Without an agent: the cache, and a lock so that one process asks for all. */
static RbLease *
get_locked(RbCli *cli, const Place *place, gboolean fresh, GError **error)
{
    g_autofree char *lock_name = g_strdup_printf("lease-%.16s", place->key);
    RbLease *lease = fresh ? NULL : read_cached(place, rb_clock_now(&cli->clock));
    int lock;

    if (lease != NULL)
        return lease;
    lock = rb_cli_lock(cli, lock_name, LOCK_WAIT_S, NULL, error);
    if (lock < 0)
        return NULL;
    if (!fresh) /* another process may have asked meanwhile */
        lease = read_cached(place, rb_clock_now(&cli->clock));
    if (lease == NULL) {
        lease = rb_lease_issue(cli, place->account, place->role, place->duration_s, error);
        if (lease != NULL)
            keep(place, lease);
    }
    (void)close(lock);
    return lease;
}

RbLease *
rb_lease_get(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh,
             GError **error)
{
    g_autofree char *folder = cache_folder(cli);
    g_auto(Place) place = { cli, account, role, duration_s, cache_key(cli, account, role, duration_s), NULL };
    RbLease *lease = NULL;

    if (rb_agent_lease(cli, account, role, duration_s, fresh, &lease, error))
        return lease;
    place.path = g_build_filename(folder, place.key, NULL);
    return get_locked(cli, &place, fresh, error);
}

gboolean
rb_lease_forget_all(const RbCli *cli, GError **error)
{
    g_autofree char *folder = cache_folder(cli);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    rb_agent_forget(cli);
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (unlink(path) != 0 && errno != ENOENT)
            return rb_fault(error, RB_FAULT_FILE, "cannot remove %s: %s", path, g_strerror(errno));
    }
    return !cli->keyring || rb_keyring_clear(cli->session, error);
}
