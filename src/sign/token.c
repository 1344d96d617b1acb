#include "sign/token.h"

#include "base/encoding.h"
#include "base/refusal.h"
#include "sign/token_priv.h"

#include <p11-kit/p11-kit.h>
#include <string.h>

/*
 * The connection to a token: its module, the slot it is in, one login, and sessions that threads take and put
 * back. A session does one thing at a time, so each signature has one of its own. When the token says that it
 * lost us, everything is begun anew, once; docs/decisions/0017-pkcs11-by-p11-kit.md says why not libp11.
 */

enum { MAX_SLOTS = 64, MAX_IDLE = 64, LABEL = 32 /* padded with blanks */ };

struct RbToken {
    gatomicrefcount refs;
    CK_FUNCTION_LIST *module;
    gboolean opened; /* the module was initialised here, not by somebody else in this process before */
    char *label;
    RbSecret *pin;
    GMutex lock;                 /* the fields below */
    gboolean connected, refused; /* @refused: the PIN, and another try would count towards its lock */
    guint generation;            /* of the connection: handles of an earlier one mean nothing */
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE keeper; /* open as long as the connection: with its last session a login ends */
    GArray *idle;             /* CK_SESSION_HANDLE */
};

gboolean
rb_token_fault(const RbToken *token, CK_RV rv, const char *what, GError **error)
{
    g_autofree char *quoted = rb_text_quote(token->label);
    const char *reason = p11_kit_strerror(rv);

    return rb_fault(error, RB_FAULT_KEYS, "the token %s: %s: %s (0x%lx)", quoted, what,
                    reason == NULL ? "unknown" : reason, (gulong)rv);
}

gboolean
rb_token_lost(CK_RV rv)
{
    static const CK_RV lost[] = { CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,
                                  CKR_TOKEN_NOT_PRESENT,      CKR_DEVICE_REMOVED,
                                  CKR_DEVICE_ERROR,           CKR_USER_NOT_LOGGED_IN,
                                  CKR_OBJECT_HANDLE_INVALID,  CKR_KEY_HANDLE_INVALID,
                                  CKR_TOKEN_NOT_RECOGNIZED,   CKR_SLOT_ID_INVALID };

    for (gsize i = 0; i < G_N_ELEMENTS(lost); i++)
        if (lost[i] == rv)
            return TRUE;
    return FALSE;
}

RbToken *
rb_token_new(const char *module, const char *label, RbSecret *pin, GError **error)
{
    g_autofree char *quoted = rb_text_quote(module);
    /* Unmanaged: the wrappers that p11-kit makes otherwise need memory that can be both written and executed.
     */
    CK_FUNCTION_LIST *list = p11_kit_module_load(module, P11_KIT_MODULE_UNMANAGED);
    /* p11_kit_module_initialize() does not ask such a module for locks, and SoftHSM then corrupts its memory
     * under threads. */
    CK_C_INITIALIZE_ARGS locks = { .flags = CKF_OS_LOCKING_OK };
    CK_RV rv = list == NULL ? CKR_OK : list->C_Initialize(&locks);
    RbToken *token;

    if (list == NULL || (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
        (void)rb_fault(error, RB_FAULT_KEYS, "the PKCS#11 module %s: %s", quoted,
                       list == NULL ? "it cannot be loaded" : p11_kit_strerror(rv));
        if (list != NULL)
            p11_kit_module_release(list);
        return NULL;
    }
    token = g_new0(RbToken, 1);
    g_atomic_ref_count_init(&token->refs);
    token->module = list;
    token->opened = rv == CKR_OK;
    token->label = g_strdup(label);
    token->pin = rb_secret_ref(pin);
    token->idle = g_array_new(FALSE, FALSE, sizeof(CK_SESSION_HANDLE));
    g_mutex_init(&token->lock);
    return token;
}

RbToken *
rb_token_ref(RbToken *token)
{
    g_atomic_ref_count_inc(&token->refs);
    return token;
}

/* With the lock. A token that is gone does not mind. */
static void
disconnect(RbToken *token)
{
    if (!token->connected)
        return;
    for (guint i = 0; i < token->idle->len; i++)
        (void)token->module->C_CloseSession(g_array_index(token->idle, CK_SESSION_HANDLE, i));
    (void)token->module->C_CloseSession(token->keeper);
    g_array_set_size(token->idle, 0);
    token->connected = FALSE;
}

void
rb_token_unref(RbToken *token)
{
    if (token == NULL || !g_atomic_ref_count_dec(&token->refs))
        return;
    disconnect(token);
    if (token->opened)
        (void)token->module->C_Finalize(NULL);
    p11_kit_module_release(token->module);
    g_array_unref(token->idle);
    rb_secret_unref(token->pin);
    g_free(token->label);
    g_mutex_clear(&token->lock);
    g_free(token);
}

const char *
rb_token_label(const RbToken *token)
{
    return token->label;
}

CK_FUNCTION_LIST *
rb_token_module(const RbToken *token)
{
    return token->module;
}

/* ---- the connection ---- */

static gboolean
is_ours(const RbToken *token, const CK_TOKEN_INFO *info)
{
    gsize n = LABEL;

    while (n > 0 && info->label[n - 1] == ' ')
        n--;
    return strlen(token->label) == n && strncmp(token->label, (const char *)info->label, n) == 0;
}

static gboolean
find_slot(RbToken *token, GError **error)
{
    CK_SLOT_ID slots[MAX_SLOTS];
    CK_ULONG n = 0, found = 0;
    CK_RV rv = token->module->C_GetSlotList(CK_TRUE, NULL, &n); /* looks again at what is plugged in */

    n = MAX_SLOTS;
    if (rv == CKR_OK)
        rv = token->module->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK)
        return rb_token_fault(token, rv, "its module names no slots", error);
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;
        if (token->module->C_GetTokenInfo(slots[i], &info) == CKR_OK && is_ours(token, &info)) {
            token->slot = slots[i];
            found++;
        }
    }
    if (found == 1)
        return TRUE;
    return rb_token_fault(token, found == 0 ? CKR_TOKEN_NOT_PRESENT : CKR_TOKEN_NOT_RECOGNIZED,
                          found == 0 ? "it is not there" : "several tokens have this label", error);
}

static gboolean
log_in(RbToken *token, GError **error)
{
    CK_RV rv;

    if (token->refused)
        return rb_token_fault(token, CKR_PIN_INCORRECT,
                              "it refused the PIN before, and is not asked again; restart", error);
    rv = token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &token->keeper);
    if (rv != CKR_OK)
        return rb_token_fault(token, rv, "no session can be opened", error);
    rv = token->module->C_Login(token->keeper, CKU_USER, (CK_UTF8CHAR *)rb_secret_reveal(token->pin),
                                rb_secret_size(token->pin));
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return TRUE;
    token->refused = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_INVALID ||
                     rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_EXPIRED;
    (void)token->module->C_CloseSession(token->keeper);
    return rb_token_fault(token, rv, "logging in failed; check issuer.pkcs11.pin", error);
}

gboolean
rb_token_take(RbToken *token, gboolean writes, RbTokenSession *session, GError **error)
{
    CK_FLAGS flags = CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0);
    CK_RV rv = CKR_OK;
    gboolean ok;

    session->writes = writes;
    g_mutex_lock(&token->lock);
    ok = token->connected || (find_slot(token, error) && log_in(token, error));
    if (ok && !token->connected) {
        token->connected = TRUE;
        token->generation++;
    }
    session->generation = token->generation;
    if (ok && !writes && token->idle->len > 0) {
        session->handle = g_array_index(token->idle, CK_SESSION_HANDLE, token->idle->len - 1);
        g_array_set_size(token->idle, token->idle->len - 1);
    } else if (ok)
        rv = token->module->C_OpenSession(token->slot, flags, NULL, NULL, &session->handle);
    g_mutex_unlock(&token->lock);
    if (!ok)
        return FALSE;
    session->lost = rb_token_lost(rv);
    return rv == CKR_OK || rb_token_fault(token, rv, "no session can be opened", error);
}

void
rb_token_put(RbToken *token, const RbTokenSession *session)
{
    g_mutex_lock(&token->lock);
    if (session->generation == token->generation && token->connected) { /* of an older one: it is gone */
        if (!session->writes && token->idle->len < MAX_IDLE)
            g_array_append_val(token->idle, session->handle);
        else
            (void)token->module->C_CloseSession(session->handle);
    }
    g_mutex_unlock(&token->lock);
}

/* Who comes second finds a new connection already, and leaves it alone. */
void
rb_token_drop(RbToken *token, const RbTokenSession *session)
{
    g_mutex_lock(&token->lock);
    if (session->generation == token->generation)
        disconnect(token);
    g_mutex_unlock(&token->lock);
}
