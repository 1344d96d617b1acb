#include "base/encoding.h"
#include "base/file.h"
#include "base/refusal.h"
#include "iam/arn.h"
#include "issue/priv.h"

#include <string.h>

/* ---- ~/.aws/config and ~/.aws/credentials ---- */

static void
wipe_value(gpointer value)
{
    rb_wipe_free(value);
}

/* "[profile name]" and "[name]" are the same section to us; others ("[sso-session x]") keep their whole name.
 */
static char *
section_name(const char *inside)
{
    g_autofree char *name = g_strstrip(g_strdup(inside));

    if (g_str_has_prefix(name, "profile ") || g_str_has_prefix(name, "profile\t"))
        return g_strstrip(g_strdup(name + strlen("profile ")));
    return g_steal_pointer(&name);
}

static GHashTable *
enter_section(GHashTable *sections, char *line)
{
    char *end = strchr(line, ']');
    g_autofree char *name = NULL;
    GHashTable *section;

    if (end == NULL)
        return NULL;
    *end = '\0';
    name = section_name(line + 1);
    section = g_hash_table_lookup(sections, name);
    if (section == NULL) {
        section = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, wipe_value);
        g_hash_table_insert(sections, g_steal_pointer(&name), section);
    }
    return section;
}

/* A comment may follow a value after a blank. */
static void
take_setting(GHashTable *section, char *line)
{
    char *equals = strchr(line, '='), *value;

    if (equals == NULL)
        return;
    *equals = '\0';
    value = equals + 1;
    for (char *p = value; *p != '\0'; p++)
        if ((*p == '#' || *p == ';') && p > value && (p[-1] == ' ' || p[-1] == '\t')) {
            *p = '\0';
            break;
        }
    g_hash_table_replace(section, g_ascii_strdown(g_strstrip(line), -1), g_strdup(g_strstrip(value)));
}

GHashTable *
rb_profiles_parse(const char *text, gsize size, GError **error)
{
    g_autoptr(GHashTable) sections =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    GHashTable *section = NULL;
    char *copy, *next;
    gboolean ok = size <= RB_PROFILE_MAX && (size == 0 || memchr(text, '\0', size) == NULL);

    copy = ok ? g_strndup(size > 0 ? text : "", size) : NULL;
    for (char *line = copy; ok && line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        if (line[0] == '[')
            ok = (section = enter_section(sections, line)) != NULL;
        else if (section != NULL && line[0] != '#' && line[0] != ';' && !g_ascii_isspace(line[0]))
            take_setting(section, line); /* indented lines belong to a block of another setting */
    }
    if (copy != NULL)
        rb_wipe(copy, size);
    g_free(copy);
    if (ok)
        return g_steal_pointer(&sections);
    (void)rb_fault(error, RB_FAULT_STS_CREDENTIALS, "too large, a NUL byte, or a section without ']'");
    return NULL;
}

/* A file that is not there has no profiles. @secret: refused when others can read it. */
static GHashTable *
load(const char *path, gboolean secret, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(RbSecret) text = NULL;
    GHashTable *sections;
    gsize size = 0;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return rb_profiles_parse("", 0, error);
    if (secret)
        text = rb_file_read_secret(path, RB_PROFILE_MAX, FALSE, error);
    else
        bytes = rb_file_read(path, RB_PROFILE_MAX, error);
    if (text == NULL && bytes == NULL)
        return NULL;
    sections = secret ? rb_profiles_parse(rb_secret_reveal(text), rb_secret_size(text), error)
                      : rb_profiles_parse(g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes), error);
    if (sections == NULL)
        g_prefix_error(error, "%s: ", path);
    return sections;
}

/* ---- a profile ---- */

typedef struct {
    const char *name;
    GHashTable *config, *credentials; /* the profile's section in each; NULL: none */
} Profile;

static const char *
get(const Profile *profile, const char *key)
{
    const char *value = profile->credentials != NULL ? g_hash_table_lookup(profile->credentials, key) : NULL;

    if (value == NULL && profile->config != NULL)
        value = g_hash_table_lookup(profile->config, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static gboolean
says(GError **error, const Profile *profile, const char *what)
{
    g_autofree char *quoted = rb_text_quote(profile->name);

    return rb_fault(error, RB_FAULT_STS_CREDENTIALS, "profile %s: %s", quoted, what);
}

/* What a person's profile may hold and a service has no use for. */
static gboolean
check_usable(const Profile *profile, GError **error)
{
    if (get(profile, "mfa_serial") != NULL)
        return says(error, profile, "it asks for a second factor, which a service cannot enter");
    if (get(profile, "credential_process") != NULL)
        return says(error, profile,
                    "it has a credential_process; a service runs no commands to get credentials");
    if (get(profile, "sso_session") != NULL || get(profile, "sso_start_url") != NULL)
        return says(error, profile, "it signs a person in (sso_…), and nobody is there to do it");
    return says(error, profile, "it has neither keys nor a role");
}

static RbCredentials *
static_keys(const Profile *profile, GError **error)
{
    const char *secret = get(profile, "aws_secret_access_key");
    RbCredentials *credentials = rb_credentials_new(get(profile, "aws_access_key_id"), secret,
                                                    get(profile, "aws_session_token"), 0, error);

    if (credentials == NULL)
        g_prefix_error(error, "profile '%s': ", profile->name);
    return credentials;
}

/* The credentials that assume the profile's role: another profile's keys, or a machine's. One level. */
static RbCredentials *
base_credentials(RbIssuer *issuer, const Profile *profile, const Profile *base, gint64 now, GError **error)
{
    const char *from = get(profile, "credential_source");

    if (base->name != NULL && get(base, "aws_access_key_id") != NULL)
        return static_keys(base, error);
    if (from == NULL)
        (void)says(error, profile, "its source_profile has no keys of its own; only one level is followed");
    else if (g_str_equal(from, "Environment"))
        return rb_own_from_env(&issuer->setting, now, error);
    else if (g_str_equal(from, "Ec2InstanceMetadata"))
        return rb_own_from_imds(issuer, now, error);
    else if (g_str_equal(from, "EcsContainer"))
        return rb_own_from_container(issuer, now, error);
    else
        (void)says(error, profile, "credential_source is Environment, Ec2InstanceMetadata or EcsContainer");
    return NULL;
}

static RbCredentials *
assume(RbIssuer *issuer, const Profile *profile, const Profile *base, gint64 now, GError **error)
{
    const char *arn = get(profile, "role_arn"), *name = get(profile, "role_session_name"), *why = NULL;
    g_autoptr(RbRoleArn) role = rb_role_arn_parse(arn, &why);
    g_autoptr(RbCredentials) with = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autofree char *url = NULL, *region = NULL;
    RbForm *form;

    if (role == NULL) {
        (void)says(error, profile, why);
        return NULL;
    }
    with = base_credentials(issuer, profile, base, now, error);
    url = with != NULL ? rb_issuer_endpoint(issuer, role->partition, NULL, &region, error) : NULL;
    if (url == NULL)
        return NULL;
    form = rb_form_new("AssumeRole");
    rb_form_add(form, "Version", "2011-06-15");
    rb_form_add(form, "RoleArn", arn);
    rb_form_add(form, "RoleSessionName", name != NULL ? name : "rolebridge");
    rb_form_add(form, "ExternalId", get(profile, "external_id"));
    rb_form_add(form, "DurationSeconds", get(profile, "duration_seconds"));
    bytes = rb_form_end(form);
    return rb_sts_call(
        issuer,
        &(RbStsCall){
            .what = arn, .url = url, .region = region, .own = with, .form = bytes, .duration_s = 3600 },
        error);
}

static gboolean
find(Profile *profile, const char *name, GHashTable *config, GHashTable *credentials)
{
    profile->name = name;
    profile->config = g_hash_table_lookup(config, name);
    profile->credentials = g_hash_table_lookup(credentials, name);
    return profile->config != NULL || profile->credentials != NULL;
}

/* Whether a default profile says anything about credentials; one with a region alone does not. */
static gboolean
has_credentials(const Profile *profile)
{
    static const char *const keys[] = { "aws_access_key_id", "role_arn", "credential_process", "sso_session",
                                        "sso_start_url" };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (get(profile, keys[i]) != NULL)
            return TRUE;
    return FALSE;
}

RbCredentials *
rb_own_from_profile(RbIssuer *issuer, const char *name, gboolean optional, gint64 now, GError **error)
{
    g_autoptr(GHashTable) config = load(issuer->setting.config_file, FALSE, error);
    g_autoptr(GHashTable) credentials =
        config != NULL ? load(issuer->setting.credentials_file, TRUE, error) : NULL;
    Profile profile = { 0 }, base = { 0 };
    const char *source;

    if (credentials == NULL)
        return NULL;
    if (!find(&profile, name, config, credentials)) {
        if (!optional)
            (void)says(error, &profile, "there is no such profile in ~/.aws/config or ~/.aws/credentials");
        return NULL;
    }
    if (optional && !has_credentials(&profile))
        return NULL;
    if (get(&profile, "role_arn") != NULL && get(&profile, "web_identity_token_file") != NULL)
        return rb_own_from_web_identity(issuer, get(&profile, "web_identity_token_file"),
                                        get(&profile, "role_arn"), get(&profile, "role_session_name"), now,
                                        error);
    if (get(&profile, "role_arn") != NULL && get(&profile, "mfa_serial") == NULL) {
        source = get(&profile, "source_profile");
        if (source != NULL && !find(&base, source, config, credentials)) {
            (void)says(error, &base, "another profile names it as its source, and it does not exist");
            return NULL;
        }
        return assume(issuer, &profile, &base, now, error);
    }
    if (get(&profile, "aws_access_key_id") != NULL && get(&profile, "mfa_serial") == NULL)
        return static_keys(&profile, error);
    (void)check_usable(&profile, error);
    return NULL;
}

gboolean
rb_own_profile_long_lived(const RbIssuer *issuer, const char *name, char **holder)
{
    /* what cannot be read is told when credentials are fetched */
    g_autoptr(GHashTable) config = load(issuer->setting.config_file, FALSE, NULL);
    g_autoptr(GHashTable) credentials =
        config != NULL ? load(issuer->setting.credentials_file, TRUE, NULL) : NULL;
    Profile profile = { 0 };

    if (credentials == NULL || !find(&profile, name, config, credentials))
        return FALSE;
    if (get(&profile, "role_arn") != NULL) {
        const char *source = get(&profile, "source_profile");
        if (source == NULL || !find(&profile, source, config, credentials))
            return FALSE;
    }
    if (get(&profile, "aws_access_key_id") == NULL || get(&profile, "aws_session_token") != NULL)
        return FALSE;
    *holder = g_strdup_printf("profile '%s'", profile.name);
    return TRUE;
}
