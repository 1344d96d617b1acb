#include "base/encoding.h"
#include "serve/priv.h"

#include <libxml/xmlwriter.h>
#include <string.h>

/*
 * STS's own query protocol, for the two calls that nobody signs (reference §1): an unmodified SDK with
 * AWS_ENDPOINT_URL_STS brings its token, and gets credentials or an error in STS's words. docs/workload.md.
 */

#define STS_VERSION "2011-06-15"
#define STS_NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"

enum {
    RB_STS_MIN_PROOF = 4,
    RB_STS_MAX_TOKEN = 20000,
    RB_STS_MIN_ARN = 20,
    RB_STS_MAX_ARN = 2048,
    RB_STS_MIN_S = 900,
    RB_STS_MAX_S = 43200,
    RB_STS_MAX_TEXT = 4096,
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlBuffer, xmlBufferFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlTextWriter, xmlFreeTextWriter)

/* ---- XML ---- */

/* One answer being written; the first failure stands. */
typedef struct {
    xmlTextWriter *writer;
    gboolean broken;
} Writing;

static void
open_element(Writing *writing, const char *name)
{
    writing->broken =
        writing->broken || xmlTextWriterStartElement(writing->writer, (const xmlChar *)name) < 0;
}

static void
close_element(Writing *writing)
{
    writing->broken = writing->broken || xmlTextWriterEndElement(writing->writer) < 0;
}

/* What is not secret, made printable: XML has no way to write a control character. NULL writes nothing. */
static void
write_text(Writing *writing, const char *name, const char *value)
{
    g_autofree char *shown = value == NULL ? NULL : rb_text_printable(value, RB_STS_MAX_TEXT);

    if (shown != NULL)
        writing->broken = writing->broken || xmlTextWriterWriteElement(writing->writer, (const xmlChar *)name,
                                                                       (const xmlChar *)shown) < 0;
}

static void
write_secret(Writing *writing, const char *name, const RbSecret *value)
{
    writing->broken =
        writing->broken || xmlTextWriterWriteElement(writing->writer, (const xmlChar *)name,
                                                     (const xmlChar *)rb_secret_reveal(value)) < 0;
}

static void
open_root(Writing *writing, const char *name)
{
    open_element(writing, name);
    writing->broken =
        writing->broken || xmlTextWriterWriteAttribute(writing->writer, (const xmlChar *)"xmlns",
                                                       (const xmlChar *)STS_NAMESPACE) < 0;
}

/* The bytes are copied once, into what is wiped when it was sent; libxml2's own are wiped here. */
static RbAnswer *
finish(Writing *writing, xmlBuffer *buffer, guint status, const char *incident)
{
    RbAnswer *answer = rb_answer_new(status);

    writing->broken = writing->broken || xmlTextWriterEndDocument(writing->writer) < 0;
    if (!writing->broken)
        rb_answer_body(answer, "text/xml", xmlBufferContent(buffer), (gsize)xmlBufferLength(buffer));
    else
        answer->status = 500; /* a mistake of ours, and nothing leaves */
    rb_wipe((void *)xmlBufferContent(buffer), (gsize)xmlBufferLength(buffer));
    rb_answer_header(answer, "x-amzn-RequestId", g_strdup(incident));
    return answer;
}

/* ---- errors ---- */

#define NEW_TOKEN "Get a new token from its issuer, and check that it is made for this service."

/* What STS calls our refusals (reference §1.6), and other words where ours are for people at a browser. Not
 * listed: by what they are about. */
static const struct {
    RbRefusalCode code;
    const char *name;
    guint status;
    const char *what, *next; /* NULL: the catalogue's */
} sts_names[] = {
    /* clang-format off */
    { RB_JWT_EXPIRED,         "ExpiredTokenException", 400, "The token has expired.", "Get a new token from its issuer: SDKs read the token file again by themselves." },
    { RB_SAML_EXPIRED,        "ExpiredTokenException", 400, "The assertion has expired.", "Sign in again at the identity provider." },
    { RB_JWT_ISSUER,          "InvalidIdentityToken",  400, "No provider of type workload has the issuer of this token.", "Tell your administrator the incident id; identity_providers in rolebridge.yaml lists the issuers." },
    { RB_JWT_AUDIENCE,        "InvalidIdentityToken",  400, "The token was made for another audience.", "Ask the issuer for a token with the audience that rolebridge.yaml has for it." },
    { RB_JWT_KEY_UNKNOWN,     "InvalidIdentityToken",  400, "The token was signed with a key that its issuer does not publish.", "Try again in a minute; if it stays, tell your administrator the incident id." },
    { RB_JWT_SIGNATURE_INVALID, "InvalidIdentityToken", 400, "The token was not signed by its issuer.", NEW_TOKEN },
    { RB_JWT_MALFORMED,       "InvalidIdentityToken",  400, "The token could not be read.", NEW_TOKEN },
    { RB_JWT_TOO_LARGE,       "ValidationError",       400, "The token is larger than accepted.", "Have its issuer put less into it." },
    { RB_JWT_TYPE,            "InvalidIdentityToken",  400, "The token is of another kind than a workload's.", NEW_TOKEN },
    { RB_JWT_SUBJECT,         "InvalidIdentityToken",  400, "The token does not say whom it is about.", NEW_TOKEN },
    { RB_SAML_TOO_LARGE,      "ValidationError",       400, "The assertion is larger than accepted.", "Have the identity provider send only the groups that matter here." },
    { RB_SAML_METADATA_EXPIRED, "IDPCommunicationError", 400, NULL, NULL },
    { RB_IDENTITY_NAME_MISSING, "InvalidIdentityToken", 400, "The token lacks a claim that the session's name is made of.", "Tell your administrator the incident id; `name` of the provider says which." },
    { RB_IDENTITY_NAME_UNUSABLE, "InvalidIdentityToken", 400, "The session's name would have characters, or a length, that AWS does not take.", "Tell your administrator the incident id; `name` of the provider can use other claims." },
    { RB_SIGN_IN_NO_PROVIDER, "InvalidIdentityToken",  400, "No identity provider has its assertions exchanged here.", "Ask your administrator: it needs `sts: true` in rolebridge.yaml." },
    { RB_MAPPING_NOT_ASSIGNED, "AccessDenied",         403, "What the token says brings this role in this account to nobody.", "Ask the owner of the role; the incident id leads to what the token said." },
    { RB_STS_DURATION,        "ValidationError",       400, NULL, NULL },
    { RB_STS_POLICY,          "PackedPolicyTooLarge",  400, NULL, NULL },
    { RB_STS_TAGS,            "PackedPolicyTooLarge",  400, NULL, NULL },
    { RB_STS_REGION,          "RegionDisabledException", 403, NULL, NULL },
    { RB_QUERY_NO_ACTION,     "MissingAction",         400, NULL, NULL },
    { RB_QUERY_ACTION,        "InvalidAction",         400, NULL, NULL },
    { RB_QUERY_MISSING,       "MissingParameter",      400, NULL, NULL },
    { RB_QUERY_INVALID,       "ValidationError",       400, NULL, NULL },
    { RB_QUERY_POLICY,        "ValidationError",       400, NULL, NULL },
    { RB_REQUEST_MALFORMED,   "ValidationError",       400, NULL, "Use an AWS SDK or CLI; each parameter is sent once." },
    { RB_REQUEST_TOO_MANY,    "Throttling",            400, NULL, "Wait a little, then try again." },
    { RB_REQUEST_METHOD,      "InvalidAction",         405, NULL, "Use an AWS SDK or CLI." },
    /* clang-format on */
};

typedef struct {
    const char *name, *what, *next;
    guint status;
} Words;

static Words
words_by_kind(const GError *error, const RbOutcome *outcome)
{
    Words words = { NULL, outcome->what, outcome->next, (guint)outcome->status };

    if (error->domain != RB_REFUSAL || outcome->status >= 500) {
        gboolean later = outcome->status == 503;
        words.name = later ? "ServiceUnavailable" : "InternalFailure";
        words.status = later ? 503 : 500;
    } else if (g_str_has_prefix(outcome->id, "jwt.") || g_str_has_prefix(outcome->id, "saml.") ||
               g_str_has_prefix(outcome->id, "identity.")) {
        words.name = "InvalidIdentityToken";
        words.status = 400;
        if (g_str_has_prefix(outcome->id, "saml."))
            words.next = "Sign in again at the identity provider; if it stays, tell your administrator the "
                         "incident id.";
    } else if (g_str_has_prefix(outcome->id, "mapping.") || g_str_has_prefix(outcome->id, "sts.")) {
        words.name = "AccessDenied";
        words.status = 403;
    } else
        words.name = "ValidationError";
    return words;
}

static Words
words_of(const GError *error)
{
    const RbOutcome *outcome = rb_outcome(error);

    for (gsize i = 0; i < G_N_ELEMENTS(sts_names); i++)
        if (rb_is_refusal(error, sts_names[i].code))
            return (Words){ sts_names[i].name, sts_names[i].what != NULL ? sts_names[i].what : outcome->what,
                            sts_names[i].next != NULL ? sts_names[i].next : outcome->next,
                            sts_names[i].status };
    return words_by_kind(error, outcome);
}

/* Who gets nothing learns one thing: that what he came with brings nothing. Which roles are there, and what
 * they would ask for, is the audit log's, or anybody with a job at a public issuer could find out. */
static GError *
what_to_tell(const GError *error)
{
    GError *told = NULL;

    if (!rb_is_refusal(error, RB_MAPPING_ATTRIBUTE) && !rb_is_refusal(error, RB_MAPPING_PROVIDER))
        return g_error_copy(error);
    (void)rb_refuse(&told, RB_MAPPING_NOT_ASSIGNED, "nothing that was stated brings it");
    return told;
}

RbAnswer *
rb_sts_error(const GError *error, const char *incident)
{
    g_autoptr(GError) told = what_to_tell(error);
    const Words words = words_of(told);
    const char *detail = rb_outcome_detail(told);
    g_autofree char *text =
        g_strdup_printf("%s %s%s%s (%s, incident %s)", words.what, detail != NULL ? detail : "",
                        detail != NULL ? ". " : "", words.next, rb_outcome(told)->id, incident);
    g_autoptr(xmlBuffer) buffer = xmlBufferCreate();
    g_autoptr(xmlTextWriter) writer = xmlNewTextWriterMemory(buffer, 0);
    Writing writing = { writer, writer == NULL };

    open_root(&writing, "ErrorResponse");
    open_element(&writing, "Error");
    write_text(&writing, "Type", words.status >= 500 ? "Receiver" : "Sender");
    write_text(&writing, "Code", words.name);
    write_text(&writing, "Message", text);
    close_element(&writing);
    write_text(&writing, "RequestId", incident);
    return finish(&writing, buffer, words.status, incident);
}

/* ---- the question ---- */

typedef enum { RB_BY_TOKEN, RB_BY_ASSERTION, RB_N_ACTIONS } Action;

/* What each action takes; the last three of both are refused, with a reason. */
static const struct {
    const char *name;
    const char *known[12];
} actions[] = {
    [RB_BY_TOKEN] = { "AssumeRoleWithWebIdentity",
                      { "Action", "Version", "RoleArn", "DurationSeconds", "RoleSessionName",
                        "WebIdentityToken", "ProviderId", "Policy", NULL } },
    [RB_BY_ASSERTION] = { "AssumeRoleWithSAML",
                          { "Action", "Version", "RoleArn", "DurationSeconds", "PrincipalArn",
                            "SAMLAssertion", "Policy", NULL } },
};

static const char *
parameter(GHashTable *fields, const char *name)
{
    const char *value = g_hash_table_lookup(fields, name);

    return value == NULL || *value == '\0' ? NULL : value;
}

/* A parameter is either in the query or in the body: of one in both nobody could tell which is meant. */
static gboolean
find_fields(const RbRequest *request, GHashTable **fields, GError **error)
{
    if (request->method == RB_SEEN_POST && request->query != NULL && g_hash_table_size(request->query) > 0)
        return rb_refuse(error, RB_QUERY_INVALID, "a POST with parameters in its address");
    *fields = request->method == RB_SEEN_POST ? request->form : request->query;
    return *fields != NULL || rb_refuse(error, RB_QUERY_NO_ACTION, "no parameters at all");
}

static gboolean
find_action(GHashTable *fields, Action *action, GError **error)
{
    const char *name = parameter(fields, "Action"), *version = parameter(fields, "Version");
    g_autofree char *quoted = NULL;

    if (name == NULL)
        return rb_refuse(error, RB_QUERY_NO_ACTION, "no Action");
    if (version != NULL && strcmp(version, STS_VERSION) != 0)
        return rb_refuse(error, RB_QUERY_INVALID, "Version is not " STS_VERSION);
    for (*action = RB_BY_TOKEN; *action < RB_N_ACTIONS; (*action)++)
        if (strcmp(name, actions[*action].name) == 0)
            return TRUE;
    quoted = rb_text_quote(name);
    return rb_refuse(error, RB_QUERY_ACTION, "the action %s", quoted);
}

/* What would narrow the session must not be passed over in silence, and nothing else is expected. */
static gboolean
check_known(GHashTable *fields, Action action, GError **error)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, fields);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_autofree char *quoted = NULL;
        if (g_str_has_prefix(name, "PolicyArns.") || strcmp(name, "Policy") == 0)
            return rb_refuse(error, RB_QUERY_POLICY, "a session policy");
        if (g_strv_contains(actions[action].known, name))
            continue;
        quoted = rb_text_quote(name);
        return rb_refuse(error, RB_QUERY_INVALID, "%s is not a parameter of %s", quoted,
                         actions[action].name);
    }
    return parameter(fields, "ProviderId") == NULL ||
           rb_refuse(error, RB_QUERY_INVALID, "ProviderId is for OAuth 2.0 access tokens, not for OIDC");
}

/* A parameter that must be there, of @min to @max bytes. */
static const char *
need(GHashTable *fields, const char *name, gsize min, gsize max, GError **error)
{
    const char *value = parameter(fields, name);
    gsize n = value == NULL ? 0 : strlen(value);

    if (value == NULL)
        (void)rb_refuse(error, RB_QUERY_MISSING, "%s is needed", name);
    else if (n < min || n > max)
        (void)rb_refuse(error, RB_QUERY_INVALID, "%s has %zu characters; %zu to %zu are accepted", name, n,
                        min, max);
    else
        return value;
    return NULL;
}

static gboolean
read_duration(GHashTable *fields, gint64 *duration_s, GError **error)
{
    const char *text = parameter(fields, "DurationSeconds");

    *duration_s = 0;
    return text == NULL || g_ascii_string_to_signed(text, 10, RB_STS_MIN_S, RB_STS_MAX_S, duration_s, NULL) ||
           rb_refuse(error, RB_QUERY_INVALID, "DurationSeconds is not a number from %d to %d", RB_STS_MIN_S,
                     RB_STS_MAX_S);
}

/* The session is named after who was verified, never by the caller; a name that AWS would refuse is still a
 * mistake that he should hear of. */
static gboolean
check_session_name(GHashTable *fields, GError **error)
{
    const char *name = need(fields, "RoleSessionName", 2, 64, error);

    return name != NULL && (rb_identity_check_name(name, NULL) ||
                            rb_refuse(error, RB_QUERY_INVALID, "RoleSessionName must match [\\w+=,.@-]*"));
}

static gboolean
read_ask(GHashTable *fields, Action action, RbAssumeAsk *ask, GError **error)
{
    if (!check_known(fields, action, error))
        return FALSE;
    ask->role_arn = need(fields, "RoleArn", RB_STS_MIN_ARN, RB_STS_MAX_ARN, error);
    if (ask->role_arn == NULL || !read_duration(fields, &ask->duration_s, error))
        return FALSE;
    if (action == RB_BY_TOKEN) {
        ask->token = need(fields, "WebIdentityToken", RB_STS_MIN_PROOF, RB_STS_MAX_TOKEN, error);
        return ask->token != NULL && check_session_name(fields, error);
    }
    ask->principal_arn = need(fields, "PrincipalArn", RB_STS_MIN_ARN, RB_STS_MAX_ARN, error);
    if (ask->principal_arn == NULL)
        return FALSE;
    ask->assertion = need(fields, "SAMLAssertion", RB_STS_MIN_PROOF, RB_BODY_SAML, error);
    return ask->assertion != NULL;
}

/* ---- the answer ---- */

static void
write_credentials(Writing *writing, const RbCredentials *credentials)
{
    g_autofree char *expiration = rb_time_format(credentials->expiration);

    open_element(writing, "Credentials");
    write_text(writing, "AccessKeyId", credentials->access_key_id);
    write_secret(writing, "SecretAccessKey", credentials->secret_access_key);
    write_secret(writing, "SessionToken", credentials->session_token);
    write_text(writing, "Expiration", expiration);
    close_element(writing);
    open_element(writing, "AssumedRoleUser");
    write_text(writing, "AssumedRoleId", credentials->assumed_role_id);
    write_text(writing, "Arn", credentials->assumed_role_arn);
    close_element(writing);
}

static void
write_proof(Writing *writing, Action action, const RbAssumed *assumed)
{
    const RbCredentials *credentials = assumed->credentials;
    g_autofree char *packed =
        credentials->packed_policy_size < 0 ? NULL : g_strdup_printf("%d", credentials->packed_policy_size);

    if (action == RB_BY_TOKEN) {
        write_text(writing, "SubjectFromWebIdentityToken", assumed->subject);
        write_text(writing, "Provider", assumed->issuer);
    } else {
        write_text(writing, "Subject", assumed->subject);
        write_text(writing, "SubjectType", assumed->subject_type);
        write_text(writing, "Issuer", assumed->issuer);
        write_text(writing, "NameQualifier", assumed->name_qualifier);
    }
    write_text(writing, "Audience", assumed->audience);
    write_text(writing, "PackedPolicySize", packed);
    write_text(writing, "SourceIdentity", credentials->source_identity);
}

static RbAnswer *
answer(Action action, const RbAssumed *assumed, const char *incident)
{
    g_autoptr(xmlBuffer) buffer = xmlBufferCreate();
    g_autoptr(xmlTextWriter) writer = xmlNewTextWriterMemory(buffer, 0);
    g_autofree char *response = g_strconcat(actions[action].name, "Response", NULL),
                    *result = g_strconcat(actions[action].name, "Result", NULL);
    Writing writing = { writer, writer == NULL };

    open_root(&writing, response);
    open_element(&writing, result);
    write_credentials(&writing, assumed->credentials);
    write_proof(&writing, action, assumed);
    close_element(&writing);
    open_element(&writing, "ResponseMetadata");
    write_text(&writing, "RequestId", incident);
    close_element(&writing);
    return finish(&writing, buffer, 200, incident);
}

RbAnswer *
rb_handle_sts(RbRequest *request, GError **error)
{
    const RbVisit *visit = rb_request_visit(request);
    g_autoptr(RbAssumed) assumed = NULL;
    GHashTable *fields = NULL;
    RbAssumeAsk ask = { 0 };
    Action action = RB_BY_TOKEN;

    if (!find_fields(request, &fields, error) || !find_action(fields, &action, error) ||
        !read_ask(fields, action, &ask, error))
        return NULL;
    assumed = rb_access_assume(request->site->access, visit, &ask, error);
    return assumed == NULL ? NULL : answer(action, assumed, request->incident);
}
