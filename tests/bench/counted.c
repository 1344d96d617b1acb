#include "iam/sigv4.h"
#include "id_token.h"
#include "issue/priv.h"
#include "mapping/priv.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * One piece of work, a few times, for callgrind to count (tests/bench/budget.py): what counted_call() does
 * and nothing else. The first time, when tables are filled and libraries loaded, is not counted.
 *
 * counted saml | decision | sts | jwt: prints how many times.
 */
enum { TIMES = 5, GROUPS = 2000, RULES = 10000, EXPRESSIONS = 1000, ACCOUNTS = 100, ROLES = 20, HITS = 200 };

typedef void (*Work)(gpointer data);

static G_GNUC_NO_INLINE void
counted_call(Work work, gpointer data)
{
    work(data);
}

static void
run(Work work, gpointer data)
{
    work(data);
    for (guint i = 0; i < TIMES; i++)
        counted_call(work, data);
    printf("%d\n", TIMES);
}

static void
must(gboolean ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "counted: %s failed\n", what);
    exit(1);
}

/* ---- a complete SAML validation, 200 groups ---- */

typedef struct {
    World *world;
    RbInbound inbound;
} Saml;

static void
validate(gpointer data)
{
    const Saml *saml = data;
    char request_id[] = "_req1";
    const RbSignIn sign_in = { .request_id = request_id, .started_at = IDP_NOW - 60 };
    g_autoptr(RbVerified) verified = rb_provider_finish(rb_providers_find(saml->world->providers, "corp"),
                                                        &sign_in, &saml->inbound, IDP_NOW, NULL);

    must(verified != NULL, "a SAML validation");
}

static void
saml(void)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    Saml s = { world_new(), { .method = "POST", .fields = fields } };
    g_autofree char *xml = idp_response_signed(s.world->idp, "corp", 200);
    g_autofree char *base64 = g_base64_encode((const guchar *)xml, strlen(xml));

    g_hash_table_insert(fields, (char *)"SAMLResponse", base64);
    run(validate, &s);
    world_free(s.world);
}

/* ---- a decision: 2,000 groups, a tenth of which bring a role ---- */

static void
add_file(GPtrArray *files, const char *name, GString *text)
{
    RbMappingFile *file = g_new0(RbMappingFile, 1);

    file->name = g_strdup(name);
    file->bytes = g_string_free_to_bytes(text);
    g_ptr_array_add(files, file);
}

static void
add_files(GPtrArray *files)
{
    GString *text = g_string_new("rolebridge: 1\naccounts:\n");

    for (guint i = 0; i < ACCOUNTS; i++)
        g_string_append_printf(
            text, "  - { id: \"%012u\", name: account-%u, issue: { method: assume-role } }\n", 100000 + i, i);
    add_file(files, "accounts.yaml", text);
    text = g_string_new("rolebridge: 1\nassignments:\n");
    for (guint i = 0; i < RULES; i++)
        g_string_append_printf(text, "  - { groups: [team-%u], role: role-%u, accounts: [account-%u] }\n", i,
                               i % ROLES, i % ACCOUNTS);
    for (guint i = 0; i < EXPRESSIONS; i++)
        g_string_append_printf(text,
                               "  - { groups: [{ regex: \"^unit-%04u-(?<a>[a-z0-9-]+)-r$\" }], role: "
                               "role-%u, accounts: [\"${a}\"] }\n",
                               i, i % ROLES);
    add_file(files, "assignments.yaml", text);
    for (guint i = 0; i < ROLES; i++) {
        g_autofree char *name = g_strdup_printf("roles/role-%u.yaml", i);
        text = g_string_new(NULL);
        g_string_printf(text,
                        "rolebridge: 1\nrole: role-%u\ntitle: R\nowner: o\nmanaged_policies: "
                        "[ReadOnlyAccess]\n",
                        i);
        add_file(files, name, text);
    }
}

typedef struct {
    RbSnapshot *snapshot;
    RbIdentity *person;
} Decision;

static void
decide(gpointer data)
{
    const Decision *d = data;
    g_autoptr(RbDecision) decision = rb_decide(d->snapshot, d->person, &(RbContext){ 0, NULL });

    must(decision->n_grants > 0, "a decision");
}

static void
decision(void)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(rb_mapping_file_free);
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbIdentity facts = { .subject = "s", .name = "ada", .provider = "p", .issuer = "i" };
    Decision d;

    add_files(files);
    for (guint i = 0; i < GROUPS; i++)
        g_ptr_array_add(groups, i >= HITS     ? g_strdup_printf("nobody-%u", i)
                                : i % 10 == 0 ? g_strdup_printf("unit-%04u-account-%u-r", i, i % ACCOUNTS)
                                              : g_strdup_printf("team-%u", i));
    g_ptr_array_add(groups, NULL);
    facts.groups = (const char *const *)groups->pdata;
    d = (Decision){ rb_snapshot_build(files, problems), rb_identity_new(&facts, NULL) };
    must(d.snapshot != NULL && d.person != NULL, "a mapping");
    run(decide, &d);
    rb_snapshot_unref(d.snapshot);
    rb_identity_unref(d.person);
}

/* ---- an AssumeRole request signed, its answer read ---- */

static const char form[] =
    "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Frolebridge%2F"
    "data-scientist&RoleSessionName=ada%40acme.example&SourceIdentity=ada%40acme.example&DurationSeconds="
    "3600";
static const char answer[] =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>"
    "<AccessKeyId>ASIABTX3GSDSQBNMGHLQ</AccessKeyId>"
    "<SecretAccessKey>0c0c0c0c0c0c0c0c0c0c/0c0c0c0c0c0c0c0c0c0</SecretAccessKey><SessionToken>%s</"
    "SessionToken><Expiration>2026-11-24T10:00:00Z</Expiration></Credentials><AssumedRoleUser>"
    "<AssumedRoleId>AROAZ3EXAMPLE5T6PLW2N:ada@acme.example</AssumedRoleId>"
    "<Arn>arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example</Arn></AssumedRoleUser>"
    "</AssumeRoleResult><ResponseMetadata><RequestId>0b6f7f0e-51c8-4d2b-9f0e-7b1f3c2f9f11</RequestId>"
    "</ResponseMetadata></AssumeRoleResponse>";

typedef struct {
    RbSigv4Keys *keys;
    RbSigv4Signer signer;
    char *xml;
} Sts;

static void
sign_and_read(gpointer data)
{
    const Sts *s = data;
    const RbSigv4Header headers[] = { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
                                      { "Host", "sts.eu-central-1.amazonaws.com" } };
    const RbSigv4Request request = { "POST", "/", headers, 2, form, strlen(form) };
    char date[17];
    g_autofree char *authorization = rb_sigv4_sign(s->keys, &s->signer, &request, IDP_NOW, date, NULL);
    g_autoptr(RbCredentials) credentials = rb_sts_parse(s->xml, strlen(s->xml), 0, NULL);

    must(authorization != NULL && credentials != NULL, "an AssumeRole");
}

static void
sts(void)
{
    g_autofree char *token = g_strnfill(800, 't'), *xml = g_strdup_printf(answer, token);
    g_autoptr(RbSecret) secret = rb_secret_new_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    Sts s = { rb_sigv4_keys_new(), { "ASIABTX3GSDSQBNMGHLQ", secret, NULL, "eu-central-1", "sts" }, xml };

    run(sign_and_read, &s);
    rb_sigv4_keys_free(s.keys);
}

/* ---- an ID token of 200 groups, to an identity ---- */

typedef struct {
    Party *party;
    char *token;
} IdToken;

static void
identify(gpointer data)
{
    const IdToken *t = data;
    g_autoptr(RbIdentity) identity = party_identity(t->party, t->token, NULL);

    must(identity != NULL && identity->n_groups == 200, "an ID token");
}

static void
jwt(void)
{
    IdToken t = { party_new(), NULL };

    t.token = party_token(t.party, "RS256", 200, NULL);
    run(identify, &t);
    g_free(t.token);
    party_free(t.party);
}

int
main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";

    if (g_str_equal(what, "saml"))
        saml();
    else if (g_str_equal(what, "decision"))
        decision();
    else if (g_str_equal(what, "sts"))
        sts();
    else if (g_str_equal(what, "jwt"))
        jwt();
    else
        return 2;
    return 0;
}
