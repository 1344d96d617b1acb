#include "access/priv.h"

#include "base/log.h"

#include <string.h>

/* Twenty consonants: nothing to misread, no words (RFC 8628 §6.1). */
static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";

enum { CODE_LETTERS = 8, CODE_TEXT_MAX = 32, START_URL_MAX = 2048, INTERVAL_S = 1, TRIES = 5 };

/* 20 guesses, then one every three seconds: of 2.5e10 codes nobody finds one that waits for ten minutes. */
static const RbLimit guessing = { "user-code", 20, 3000 };
static const RbLimit starting = { "device", 120, 500 };

void
rb_device_free(RbDevice *device)
{
    if (device == NULL)
        return;
    rb_secret_unref(device->device_code);
    g_free(device->user_code);
    g_free(device);
}

void
rb_device_ask_free(RbDeviceAsk *ask)
{
    if (ask == NULL)
        return;
    g_free(ask->user_code);
    g_free(ask->client);
    g_free(ask->source_ip);
    g_free(ask);
}

/* ---- the client starts ---- */

static json_t *
device_body(const RbVisit *visit, const RbClient *client, const char *user_code)
{
    json_t *body = json_object();

    rb_facts_text(body, "client", client->id);
    rb_facts_text(body, "client_name", client->name);
    rb_facts_text(body, "user_code", user_code);
    rb_facts_text(body, "source_ip", visit->source_ip);
    rb_facts_text(body, "state", "waiting");
    rb_facts_integer(body, "started_at", visit->now);
    rb_facts_integer(body, "ends_at", visit->now + RB_DEVICE_S);
    return body;
}

static gboolean
put_device(RbAccess *access, const RbVisit *visit, const RbClient *client, RbDevice *device, GError **error)
{
    g_autofree char *key = rb_secret_handle(device->device_code);
    g_autofree char *text = rb_random_text(letters, CODE_LETTERS);
    g_autoptr(RbBatch) batch = rb_batch_new();
    json_t *lead = json_object();

    g_free(device->user_code);
    device->user_code = g_strdup_printf("%.4s-%s", text, text + 4);
    rb_facts_text(lead, "device", key);
    rb_batch_add(batch, RB_RECORD_USER_CODE, device->user_code, NULL, visit->now + RB_DEVICE_S, lead);
    rb_batch_add(batch, RB_RECORD_DEVICE, key, NULL, visit->now + RB_DEVICE_S + RB_DEVICE_TOLD_S,
                 device_body(visit, client, device->user_code));
    return rb_store_commit(access->store, batch, visit->now, error);
}

static RbDevice *
start(RbAccess *access, const RbVisit *visit, const char *client_id, const char *client_secret,
      const char *start_url, GError **error)
{
    g_autoptr(RbClient) client = NULL;
    g_autoptr(RbDevice) device = g_new0(RbDevice, 1);
    g_autoptr(GError) why = NULL;

    if (!rb_limits_take_address(access->limits, &starting, visit->source_ip, visit->now)) {
        (void)rb_refuse(error, RB_REQUEST_TOO_MANY, "devices start too often from this address");
        return NULL;
    }
    client = rb_client_check(access, client_id, client_secret, visit->now, error);
    if (client == NULL)
        return NULL;
    if (start_url == NULL || *start_url == '\0' || strnlen(start_url, START_URL_MAX) >= START_URL_MAX) {
        (void)rb_refuse(error, RB_SSO_INVALID_REQUEST, "no start URL of sensible length");
        return NULL;
    }
    device->device_code = rb_secret_new_random(32);
    device->expires_in_s = RB_DEVICE_S;
    device->interval_s = INTERVAL_S;
    for (guint i = 0; i < TRIES; i++) { /* a user code that is in use is drawn again */
        g_clear_error(&why);
        if (put_device(access, visit, client, device, &why))
            return g_steal_pointer(&device);
        if (!rb_is_refusal(why, RB_STORE_EXISTS))
            break;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

RbDevice *
rb_access_device_start(RbAccess *access, const RbVisit *visit, const char *client_id,
                       const char *client_secret, const char *start_url, GError **error)
{
    g_autoptr(GError) why = NULL;
    RbDevice *device = start(access, visit, client_id, client_secret, start_url, &why);

    return device != NULL
               ? device
               : rb_access_end(access, visit, "device sign-in", NULL, g_steal_pointer(&why), error);
}

/* ---- the person answers ---- */

/* (transfer full): the code as it is stored, however it was typed; NULL: it cannot be one. */
static char *
normalised(const char *typed)
{
    g_autoptr(GString) code = g_string_new(NULL);

    if (typed == NULL || strnlen(typed, CODE_TEXT_MAX + 1) > CODE_TEXT_MAX)
        return NULL;
    for (; *typed != '\0'; typed++) {
        char letter = g_ascii_toupper(*typed);
        if (letter == '-' || letter == ' ')
            continue;
        if (strchr(letters, letter) == NULL)
            return NULL;
        g_string_append_c(code, letter);
        if (code->len == 4)
            g_string_append_c(code, '-');
    }
    return code->len == CODE_LETTERS + 1 ? g_strdup(code->str) : NULL;
}

/* The device that waits for @typed. */
static RbRecord *
find_waiting(RbAccess *access, const RbVisit *visit, const char *typed, GError **error)
{
    g_autofree char *code = normalised(typed);
    g_autoptr(RbRecord) lead = NULL, device = NULL;

    if (!rb_limits_take_address(access->known, &guessing, visit->source_ip, visit->now)) {
        (void)rb_refuse(error, RB_REQUEST_TOO_MANY, "too many codes were tried from this address");
        return NULL;
    }
    if (code != NULL && !rb_access_find(access, RB_RECORD_USER_CODE, code, visit->now, &lead, error))
        return NULL;
    if (lead != NULL &&
        !rb_access_find(access, RB_RECORD_DEVICE, rb_body_text(lead, "device"), visit->now, &device, error))
        return NULL;
    if (device == NULL || g_strcmp0(rb_body_text(device, "state"), "waiting") != 0) {
        (void)rb_refuse(error, RB_SSO_UNKNOWN_CODE, "no device waits for this code");
        return NULL;
    }
    return g_steal_pointer(&device);
}

RbDeviceAsk *
rb_access_device_ask(RbAccess *access, const RbVisit *visit, const char *user_code, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(RbRecord) device = find_waiting(access, visit, user_code, &why);
    RbDeviceAsk *ask;

    if (device == NULL)
        return rb_access_end(access, visit, "device sign-in", NULL, g_steal_pointer(&why), error);
    ask = g_new0(RbDeviceAsk, 1);
    ask->user_code = g_strdup(rb_body_text(device, "user_code"));
    ask->client = g_strdup(rb_body_text(device, "client_name"));
    ask->source_ip = g_strdup(rb_body_text(device, "source_ip"));
    ask->started_at = rb_body_integer(device, "started_at");
    ask->expires_at = rb_body_integer(device, "ends_at");
    return ask;
}

static gboolean
answer(RbAccess *access, const RbVisit *visit, const RbSession *session, const char *user_code,
       gboolean allow, GError **error)
{
    g_autoptr(RbRecord) device = NULL;
    g_autoptr(RbBatch) batch = rb_batch_new();
    g_autoptr(GError) why = NULL;

    if (session->client != NULL)
        return rb_refuse(error, RB_REQUEST_FORGED, "a client's session cannot let another client in");
    device = find_waiting(access, visit, user_code, error);
    if (device == NULL)
        return FALSE;
    rb_facts_text(device->body, "state", allow ? "allowed" : "denied");
    rb_facts_text(device->body, "session", session->key);
    rb_facts_text(device->body, "name", session->identity->name);
    rb_batch_take(batch, RB_RECORD_USER_CODE, rb_body_text(device, "user_code"));
    rb_batch_take(batch, RB_RECORD_DEVICE, device->key);
    rb_batch_put(batch, RB_RECORD_DEVICE, device->key, session->identity->name, device->expires_at,
                 json_incref(device->body));
    if (rb_store_commit(access->store, batch, visit->now, &why))
        return TRUE;
    if (rb_is_refusal(why, RB_STORE_MISSING))
        return rb_refuse(error, RB_SSO_UNKNOWN_CODE, "the code was answered at the same time");
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

gboolean
rb_access_device_answer(RbAccess *access, const RbVisit *visit, const RbSession *session,
                        const char *user_code, gboolean allow, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (answer(access, visit, session, user_code, allow, &why)) {
        rb_log(RB_LOG_INFO, "device", "incident", visit->incident, "name", session->identity->name, "answer",
               allow ? "allowed" : "denied", NULL);
        return TRUE;
    }
    (void)rb_access_end(access, visit, "device sign-in", rb_facts_new(visit, session->identity),
                        g_steal_pointer(&why), error);
    return FALSE;
}
