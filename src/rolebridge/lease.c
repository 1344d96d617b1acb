#include "rolebridge/lease.h"

#include "base/encoding.h"
#include "base/file.h"
#include "rolebridge/bridge.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024, LOCK_WAIT_S = 60, SPARE_S = 15 * 60 };

void
rb_lease_free(RbLease *lease)
{
    if (lease == NULL)
        return;
    g_free(lease->account);
    g_free(lease->role);
    g_free(lease->account_id);
    g_free(lease->access_key_id);
    rb_secret_unref(lease->secret_access_key);
    rb_secret_unref(lease->session_token);
    g_free(lease);
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

/* @json: {accessKeyId, secretAccessKey, sessionToken, expiration in ms, accountId?} */
static RbLease *
from_json(const json_t *json, const char *account, const char *role)
{
    g_autoptr(RbLease) lease = g_new0(RbLease, 1);

    lease->account = g_strdup(account);
    lease->role = g_strdup(role);
    lease->account_id = g_strdup(json_string_value(json_object_get(json, "accountId")));
    lease->access_key_id = g_strdup(json_string_value(json_object_get(json, "accessKeyId")));
    lease->secret_access_key = secret_of(json, "secretAccessKey");
    lease->session_token = secret_of(json, "sessionToken");
    lease->expiration = json_integer_value(json_object_get(json, "expiration")) / 1000;
    if (!is_aws_text(lease->access_key_id) || lease->secret_access_key == NULL ||
        lease->session_token == NULL || !is_aws_text(rb_secret_reveal(lease->secret_access_key)) ||
        !is_aws_text(rb_secret_reveal(lease->session_token)) || lease->expiration <= 0)
        return NULL;
    return g_steal_pointer(&lease);
}

/* What is cached under @path and good for more than a quarter of its life, at most a quarter of an hour, from
 * now. */
static RbLease *
read_cached(const char *path, const char *account, const char *role, gint64 now)
{
    g_autoptr(RbSecret) bytes = NULL;
    g_autoptr(RbLease) lease = NULL;
    gint64 issued_at;
    json_t *json;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return NULL;
    bytes = rb_file_read_secret(path, FILE_MAX, FALSE, NULL); /* an unusable cache is no cache */
    json = bytes == NULL
               ? NULL
               : json_loadb(rb_secret_reveal(bytes), rb_secret_size(bytes), JSON_REJECT_DUPLICATES, NULL);
    lease = json_is_object(json) ? from_json(json, account, role) : NULL;
    issued_at = json_integer_value(json_object_get(json, "issuedAt"));
    json_decref(json);
    if (lease == NULL || lease->expiration - now <= MIN(SPARE_S, (lease->expiration - issued_at) / 4))
        return NULL;
    return g_steal_pointer(&lease);
}

static gboolean
write_cached(const char *path, json_t *json, gint64 now, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    char *text;
    gboolean ok;

    (void)json_object_set_new(json, "issuedAt", json_integer(now));
    if (g_mkdir_with_parents(folder, 0700) != 0)
        return rb_fault(error, RB_FAULT_FILE, "cannot create %s: %s", folder, g_strerror(errno));
    text = json_dumps(json, JSON_COMPACT);
    ok = rb_file_write(path, text, strlen(text), 0600, error);
    rb_wipe(text, strlen(text));
    free(text);
    return ok;
}

/* Asks the bridge: the AWS-compatible call, or rolebridge's own when a duration is asked for. */
static RbLease *
ask(RbCli *cli, const char *account, const char *role, gint64 duration_s, const char *path, GError **error)
{
    g_autofree char *a = rb_uri_encode(account), *r = rb_uri_encode(role);
    g_autofree char *query =
        duration_s > 0 ? g_strdup_printf("account=%s&role=%s&duration=%" G_GINT64_FORMAT, a, r, duration_s)
                       : g_strdup_printf("account_id=%s&role_name=%s", a, r);
    json_t *answer =
        rb_bridge_get(cli, duration_s > 0 ? "/api/v1/credentials" : "/federation/credentials", query, error);
    json_t *json = json_object_get(answer, "roleCredentials");
    RbLease *lease = NULL;

    if (answer == NULL)
        return NULL;
    if (json_is_object(json))
        lease = from_json(json, account, role);
    if (lease == NULL)
        (void)rb_fault(error, RB_FAULT_NETWORK, "the bridge's answer has no credentials in it");
    else if (!write_cached(path, json, rb_clock_now(&cli->clock), error))
        g_clear_pointer(&lease, rb_lease_free);
    json_decref(answer);
    return lease;
}

RbLease *
rb_lease_get(RbCli *cli, const char *account, const char *role, gint64 duration_s, gboolean fresh,
             GError **error)
{
    g_autofree char *folder = cache_folder(cli), *key = cache_key(cli, account, role, duration_s);
    g_autofree char *path = g_build_filename(folder, key, NULL);
    g_autofree char *lock_name = g_strdup_printf("lease-%.16s", key);
    RbLease *lease = fresh ? NULL : read_cached(path, account, role, rb_clock_now(&cli->clock));
    int lock;

    if (lease != NULL)
        return lease;
    lock = rb_cli_lock(cli, lock_name, LOCK_WAIT_S, error);
    if (lock < 0)
        return NULL;
    if (!fresh) /* another process may have asked meanwhile */
        lease = read_cached(path, account, role, rb_clock_now(&cli->clock));
    if (lease == NULL)
        lease = ask(cli, account, role, duration_s, path, error);
    (void)close(lock);
    return lease;
}

gboolean
rb_lease_forget_all(const RbCli *cli, GError **error)
{
    g_autofree char *folder = cache_folder(cli);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (unlink(path) != 0 && errno != ENOENT)
            return rb_fault(error, RB_FAULT_FILE, "cannot remove %s: %s", path, g_strerror(errno));
    }
    return TRUE;
}
