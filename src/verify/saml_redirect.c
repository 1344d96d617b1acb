#include "base/encoding.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>
#include <zlib.h>

/* Bind 3.4.4: DEFLATE, base64, and a signature over the query's octets as they are sent. */

static GBytes *
deflate_message(const char *message, GError **error)
{
    z_stream z = { 0 };
    gsize size = strlen(message), room;
    g_autofree guint8 *out = NULL;
    int end;

    if (size > RB_SAML_MAX_LOGOUT ||
        deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a message could not be compressed");
        return NULL;
    }
    room = deflateBound(&z, size);
    out = g_malloc(room);
    z.next_in = (guint8 *)message;
    z.avail_in = (guint)size;
    z.next_out = out;
    z.avail_out = (guint)room;
    end = deflate(&z, Z_FINISH);
    room = z.total_out;
    (void)deflateEnd(&z);
    if (end != Z_STREAM_END) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a message could not be compressed");
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&out), room);
}

/* At most RB_SAML_MAX_LOGOUT bytes come out, however much goes in. */
static GBytes *
inflate_message(GBytes *packed, GError **error)
{
    z_stream z = { 0 };
    gsize size;
    g_autofree guint8 *out = g_malloc(RB_SAML_MAX_LOGOUT);
    gboolean spare;
    int end;

    z.next_in = (guint8 *)g_bytes_get_data(packed, &size);
    z.avail_in = (guint)size;
    z.next_out = out;
    z.avail_out = RB_SAML_MAX_LOGOUT;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a message could not be decompressed");
        return NULL;
    }
    end = inflate(&z, Z_FINISH);
    size = z.total_out;
    spare = z.avail_out > 0;
    (void)inflateEnd(&z);
    if (end != Z_STREAM_END && !spare) {
        (void)rb_refuse(error, RB_SAML_TOO_LARGE, "a message of more than %d bytes", RB_SAML_MAX_LOGOUT);
        return NULL;
    }
    if (end != Z_STREAM_END || z.avail_in != 0) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "a message that is not compressed as it must be");
        return NULL;
    }
    return g_bytes_new(out, size);
}

char *
rb_saml_redirect_url(const char *location, const char *parameter, const char *message,
                     const char *relay_state, const RbPrivateKey *key, GError **error)
{
    g_autoptr(GBytes) packed = deflate_message(message, error), signature = NULL;
    g_autoptr(GString) query = g_string_new(NULL);
    g_autofree char *base64 = NULL, *encoded = NULL;

    if (packed == NULL)
        return NULL;
    base64 = g_base64_encode(g_bytes_get_data(packed, NULL), g_bytes_get_size(packed));
    encoded = rb_uri_encode(base64);
    g_string_append_printf(query, "%s=%s", parameter, encoded);
    if (relay_state != NULL) {
        g_autofree char *relay = rb_uri_encode(relay_state);
        g_string_append_printf(query, "&RelayState=%s", relay);
    }
    if (key != NULL) {
        g_autofree char *algorithm = rb_uri_encode(rb_signature_algorithm(key)), *text = NULL, *value = NULL;
        g_string_append_printf(query, "&SigAlg=%s", algorithm);
        signature = rb_signature_make(key, query->str, query->len, error);
        if (signature == NULL)
            return NULL;
        text = g_base64_encode(g_bytes_get_data(signature, NULL), g_bytes_get_size(signature));
        value = rb_uri_encode(text);
        g_string_append_printf(query, "&Signature=%s", value);
    }
    return g_strconcat(location, strchr(location, '?') == NULL ? "?" : "&", query->str, NULL);
}

/* The parameters of a signed redirect, as sent. */
typedef struct {
    const char *name;
    const char *raw; /* "NAME=VALUE" in the query */
    gsize size;
} Parameter;
enum { REQUEST, RESPONSE, RELAY_STATE, SIG_ALG, SIGNATURE, N_PARAMETERS };

/* Each at most once, and by its name as it is: one that is repeated, or spelt "Relay%53tate", could be signed
 * in one place and read in another. */
static gboolean
split_query(const char *query, Parameter parameters[N_PARAMETERS], GError **error)
{
    const char *end;

    for (const char *p = query; *p != '\0'; p = *end == '\0' ? end : end + 1) {
        end = strchrnul(p, '&');
        if (memchr(p, '%', strcspn(p, "=&")) != NULL)
            return rb_refuse(error, RB_SAML_MALFORMED, "a parameter whose name is escaped");
        for (guint i = 0; i < N_PARAMETERS; i++) {
            gsize n = strlen(parameters[i].name);
            if (strncmp(p, parameters[i].name, n) != 0 || p[n] != '=')
                continue;
            if (parameters[i].raw != NULL)
                return rb_refuse(error, RB_SAML_MALFORMED, "%s is sent twice", parameters[i].name);
            parameters[i].raw = p;
            parameters[i].size = (gsize)(end - p);
        }
    }
    return TRUE;
}

/* (transfer full): the decoded value of @parameter; NULL: absent or not decodable. */
static char *
value_of(const Parameter *parameter)
{
    gsize skip = strlen(parameter->name) + 1;

    if (parameter->raw == NULL)
        return NULL;
    return g_uri_unescape_segment(parameter->raw + skip, parameter->raw + parameter->size, NULL);
}

static GBytes *
base64_of(const Parameter *parameter, gsize max_size)
{
    g_autofree char *text = value_of(parameter);

    return text == NULL ? NULL : rb_base64_decode(text, max_size);
}

static gboolean
check_query_signature(const Parameter parameters[N_PARAMETERS], const Parameter *message,
                      const RbSamlTrust *trust, GError **error)
{
    g_autofree char *algorithm = value_of(&parameters[SIG_ALG]);
    g_autoptr(GBytes) signature = base64_of(&parameters[SIGNATURE], RB_SIGN_MAX_SIGNATURE);
    const Parameter *covered[] = { message, &parameters[RELAY_STATE], &parameters[SIG_ALG] };
    g_autoptr(GString) octets = g_string_new(NULL);

    if (parameters[SIG_ALG].raw == NULL || parameters[SIGNATURE].raw == NULL)
        return rb_refuse(error, RB_SAML_UNSIGNED, "a logout message by redirect without a signature");
    if (algorithm == NULL || signature == NULL)
        return rb_refuse(error, RB_SAML_MALFORMED, "SigAlg or Signature cannot be read");
    for (gsize i = 0; i < G_N_ELEMENTS(covered); i++) {
        if (covered[i]->raw == NULL)
            continue;
        if (octets->len > 0)
            g_string_append_c(octets, '&');
        g_string_append_len(octets, covered[i]->raw, (gssize)covered[i]->size);
    }
    return rb_signature_verify((RbPublicKey *const *)trust->keys->pdata, trust->keys->len, algorithm,
                               octets->str, octets->len, g_bytes_get_data(signature, NULL),
                               g_bytes_get_size(signature), error);
}

GBytes *
rb_saml_redirect_read(const char *raw_query, const RbSamlTrust *trust, gboolean *is_request, GError **error)
{
    Parameter parameters[N_PARAMETERS] = {
        { "SAMLRequest", NULL, 0 }, { "SAMLResponse", NULL, 0 }, { "RelayState", NULL, 0 },
        { "SigAlg", NULL, 0 },      { "Signature", NULL, 0 },
    };
    g_autoptr(GBytes) packed = NULL;
    const Parameter *message;

    if (raw_query == NULL || strlen(raw_query) > RB_SAML_MAX_QUERY) {
        (void)rb_refuse(error, raw_query == NULL ? RB_SAML_MALFORMED : RB_SAML_TOO_LARGE,
                        "a redirect with no query, or one of more than %d bytes", RB_SAML_MAX_QUERY);
        return NULL;
    }
    if (!split_query(raw_query, parameters, error))
        return NULL;
    if ((parameters[REQUEST].raw != NULL) == (parameters[RESPONSE].raw != NULL)) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "not one of SAMLRequest and SAMLResponse");
        return NULL;
    }
    message = &parameters[parameters[REQUEST].raw != NULL ? REQUEST : RESPONSE];
    if (!check_query_signature(parameters, message, trust, error))
        return NULL;
    packed = base64_of(message, RB_SAML_MAX_QUERY);
    if (packed == NULL) {
        (void)rb_refuse(error, RB_SAML_MALFORMED, "%s is not base64", message->name);
        return NULL;
    }
    *is_request = message == &parameters[REQUEST];
    return inflate_message(packed, error);
}
