#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"
#include "verify/saml.h"

#include <string.h>

enum { MIN_REFRESH_S = 60, MAX_REFRESH_S = 7 * 86400, DEFAULT_REFRESH_S = 3600 };

static RbPrivateKey *
read_key(const RbYaml *node, const char *key, const RbSeat *seat, const char *name, RbDiagnostics *problems)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = rb_seat_path(seat, name);
    g_autoptr(RbSecret) pem = rb_file_read_secret(path, RB_SIGN_MAX_KEY_FILE, FALSE, &error);
    RbPrivateKey *private = pem == NULL ? NULL : rb_private_key_parse(pem, &error);

    if (private == NULL)
        rb_yaml_field_problem(node, key, problems,
                              "a PEM private key that only this service can read (mode 0600)",
                              error->message);
    return private;
}

static GBytes *
read_pem(const RbYaml *node, const char *key, const RbSeat *seat, const char *name, RbDiagnostics *problems)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = rb_seat_path(seat, name);
    GBytes *pem = rb_file_read(path, RB_SIGN_MAX_KEY_FILE, &error);

    if (pem == NULL)
        rb_yaml_field_problem(node, key, problems, "a PEM certificate", error->message);
    return pem;
}

/* Whether one of @keys (RbPrivateKey) is the private half of @certificate's key. */
static gboolean
belongs(GPtrArray *keys, const RbPublicKey *certificate)
{
    for (guint i = 0; i < keys->len; i++)
        if (strcmp(rb_private_key_id(keys->pdata[i]), rb_public_key_id(certificate)) == 0)
            return TRUE;
    return keys->len == 0; /* the key is reported already */
}

/* The certificates that field @key names, as DER. With @all each must belong to one of @keys, otherwise the
 * first: the others are those of the next key, announced ahead. */
static GPtrArray *
read_certificates(const RbYaml *node, const char *key, const RbSeat *seat, GPtrArray *keys, gboolean all,
                  RbDiagnostics *problems)
{
    GPtrArray *certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_auto(GStrv) names = rb_yaml_strings(node, key, problems);

    for (guint i = 0; names[i] != NULL; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) pem = read_pem(node, key, seat, names[i], problems);
        g_autoptr(RbPublicKey) public = NULL;
        GBytes *der = NULL;
        if (pem == NULL)
            continue;
        public = rb_public_key_from_pem(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem), &error);
        if (public != NULL)
            der = rb_certificate_to_der(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem), &error);
        if (der == NULL) {
            rb_yaml_field_problem(node, key, problems, "a PEM certificate", error->message);
            continue;
        }
        g_ptr_array_add(certificates, der);
        if ((all || i == 0) && !belongs(keys, public))
            rb_yaml_field_problem(node, key, problems, "make the certificate from the key",
                                  "this certificate is of another key");
    }
    return certificates;
}

static void
load_signing(RbSaml *saml, const RbYaml *node, RbDiagnostics *problems)
{
    const char *name = rb_yaml_string(node, "signing_key", "", problems);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();

    if (*name != '\0')
        saml->signing_key = read_key(node, "signing_key", saml->seat, name, problems);
    if (saml->signing_key != NULL)
        g_ptr_array_add(keys, saml->signing_key);
    saml->signing_certificates =
        read_certificates(node, "signing_certificate", saml->seat, keys, FALSE, problems);
    if (saml->signing_key != NULL && rb_yaml_get(node, "signing_certificate") == NULL)
        rb_yaml_field_problem(node, "signing_key", problems,
                              "add signing_certificate; the identity provider needs it",
                              "a signing key without its certificate");
    if (*name == '\0' && rb_yaml_get(node, "signing_certificate") != NULL)
        rb_yaml_field_problem(node, "signing_certificate", problems, "add signing_key",
                              "a certificate without its signing key");
}

static void
load_decryption(RbSaml *saml, const RbYaml *node, RbDiagnostics *problems)
{
    g_auto(GStrv) names = rb_yaml_strings(node, "decryption_key", problems);

    saml->decryption_keys = g_ptr_array_new_with_free_func((GDestroyNotify)rb_private_key_unref);
    for (guint i = 0; names[i] != NULL; i++) {
        RbPrivateKey *key = read_key(node, "decryption_key", saml->seat, names[i], problems);
        if (key == NULL)
            continue;
        g_ptr_array_add(saml->decryption_keys, key);
        if (!rb_private_key_is_rsa(key))
            rb_yaml_field_problem(node, "decryption_key", problems, "make an RSA key",
                                  "only an RSA key can decrypt here");
    }
    saml->decryption_certificates =
        read_certificates(node, "decryption_certificate", saml->seat, saml->decryption_keys, TRUE, problems);
    if (names[0] == NULL && rb_yaml_get(node, "decryption_certificate") != NULL)
        rb_yaml_field_problem(node, "decryption_certificate", problems, "add decryption_key",
                              "a certificate without its decryption key");
}

static gboolean
is_loopback(const char *url)
{
    return g_str_has_prefix(url, "http://127.0.0.1") || g_str_has_prefix(url, "http://localhost") ||
           g_str_has_prefix(url, "http://[::1]");
}

static void
load_pins(RbSaml *saml, const RbYaml *node, RbDiagnostics *problems)
{
    const char *digest = rb_yaml_string(node, "metadata_sha256", "", problems);
    const char *name = rb_yaml_string(node, "metadata_signing_certificate", "", problems);
    g_autoptr(GBytes) pem = NULL;
    g_autoptr(GError) error = NULL;

    if (*digest != '\0') {
        if (strlen(digest) != 64 || strspn(digest, "0123456789abcdefABCDEF") != 64)
            rb_yaml_field_problem(node, "metadata_sha256", problems,
                                  "64 hexadecimal digits, as sha256sum prints", "not a SHA-256 digest");
        saml->metadata_sha256 = g_strdup(digest);
    }
    if (*name == '\0')
        return;
    pem = read_pem(node, "metadata_signing_certificate", saml->seat, name, problems);
    if (pem == NULL)
        return;
    saml->metadata_key = rb_public_key_from_pem(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem), &error);
    if (saml->metadata_key == NULL)
        rb_yaml_field_problem(node, "metadata_signing_certificate", problems, "a PEM certificate",
                              error->message);
}

/* A file is read now, so that --check finds its mistakes; an address when the service runs. */
static void
load_metadata(RbSaml *saml, const RbYaml *node, RbDiagnostics *problems)
{
    const char *source = rb_yaml_string(node, "metadata", NULL, problems);
    gboolean remote = strstr(source, "://") != NULL;
    g_autofree char *path = remote ? g_strdup(source) : rb_seat_path(saml->seat, source);
    g_autoptr(GError) error = NULL;
    const RbKeyringSetting setting = {
        .source = path,
        .http = saml->seat->http,
        .refresh_s =
            rb_yaml_duration_s(node, "refresh", MIN_REFRESH_S, MAX_REFRESH_S, DEFAULT_REFRESH_S, problems),
        .max_size = RB_SAML_MAX_METADATA,
        .parse = rb_saml_metadata_parse,
        .clear = rb_saml_trust_clear,
        .owner = saml,
    };

    load_pins(saml, node, problems);
    saml->keyring = rb_keyring_new(&setting);
    if (*source == '\0')
        return;
    if (remote && !g_str_has_prefix(source, "https://") && !is_loopback(source))
        rb_yaml_field_problem(node, "metadata", problems, "use https://, or save the metadata to a file",
                              "metadata is only fetched by https");
    else if (!remote && !rb_keyring_load(saml->keyring, 0, &error))
        rb_yaml_field_problem(node, "metadata", problems, "save the identity provider's metadata there",
                              error->message);
}

static void
load_names(RbSaml *saml, const RbYaml *node, RbDiagnostics *problems)
{
    const char *name = rb_yaml_string(node, "name", "", problems);
    const char *format = rb_yaml_string(node, "name_id_format", "", problems);
    const char *idp = rb_yaml_string(node, "idp_entity_id", "", problems);
    g_autofree char *base = g_strdup_printf("%s/saml/%s", saml->seat->public_url, saml->seat->id);

    saml->name_attribute = *name == '\0' ? NULL : g_strdup(name);
    saml->name_id_format = *format == '\0' ? NULL : g_strdup(format);
    saml->idp_entity_id = *idp == '\0' ? NULL : g_strdup(idp);
    saml->group_attributes = rb_yaml_strings(node, "groups", problems);
    saml->authn_contexts = rb_yaml_strings(node, "authn_contexts", problems);
    saml->acs = g_strconcat(base, "/acs", NULL);
    saml->slo = g_strconcat(base, "/slo", NULL);
    saml->metadata_url = g_strconcat(base, "/metadata", NULL);
    saml->entity_id = g_strdup(rb_yaml_string(node, "entity_id", saml->metadata_url, problems));
}

static void
load_want(RbSaml *saml, const RbYaml *node, RbDiagnostics *problems)
{
    static const char *const known[] = { "response_signed", "assertion_signed", NULL };
    const RbYaml *want = rb_yaml_get(node, "want");

    saml->idp_initiated = rb_yaml_bool(node, "idp_initiated", FALSE, problems);
    saml->sts = rb_yaml_bool(node, "sts", FALSE, problems);
    saml->force_authn = rb_yaml_bool(node, "force_authn", FALSE, problems);
    saml->allow_cbc = rb_yaml_bool(node, "allow_cbc", FALSE, problems);
    if (want == NULL || !rb_yaml_check_keys(want, known, problems))
        return;
    saml->want_response_signed = rb_yaml_bool(want, "response_signed", FALSE, problems);
    saml->want_assertion_signed = rb_yaml_bool(want, "assertion_signed", FALSE, problems);
}

gpointer
rb_saml_load(const RbYaml *node, const RbSeat *seat, RbDiagnostics *problems)
{
    static const char *const known[] = { "id",
                                         "type",
                                         "title",
                                         "realm",
                                         "metadata",
                                         "metadata_sha256",
                                         "metadata_signing_certificate",
                                         "refresh",
                                         "idp_entity_id",
                                         "entity_id",
                                         "signing_key",
                                         "signing_certificate",
                                         "decryption_key",
                                         "decryption_certificate",
                                         "name",
                                         "name_id_format",
                                         "groups",
                                         "authn_contexts",
                                         "idp_initiated",
                                         "sts",
                                         "force_authn",
                                         "allow_cbc",
                                         "want",
                                         NULL };
    RbSaml *saml = g_new0(RbSaml, 1);

    saml->seat = seat;
    (void)rb_yaml_check_keys(node, known, problems);
    load_names(saml, node, problems);
    load_want(saml, node, problems);
    load_signing(saml, node, problems);
    load_decryption(saml, node, problems);
    load_metadata(saml, node, problems);
    return saml;
}

void
rb_saml_unload(gpointer self)
{
    RbSaml *saml = self;

    rb_keyring_free(saml->keyring);
    rb_public_key_free(saml->metadata_key);
    rb_private_key_unref(saml->signing_key);
    g_ptr_array_unref(saml->signing_certificates);
    g_ptr_array_unref(saml->decryption_keys);
    g_ptr_array_unref(saml->decryption_certificates);
    g_strfreev(saml->group_attributes);
    g_strfreev(saml->authn_contexts);
    g_free(saml->entity_id);
    g_free(saml->acs);
    g_free(saml->slo);
    g_free(saml->metadata_url);
    g_free(saml->idp_entity_id);
    g_free(saml->metadata_sha256);
    g_free(saml->name_attribute);
    g_free(saml->name_id_format);
    g_free(saml);
}
