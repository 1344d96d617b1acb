#include "id_token.h"

#include "base/encoding.h"
#include "measure.h"

#ifdef RB_WITH_CJOSE
#include <cjose/cjose.h>
#endif
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * All that rolebridge does for an ID token, from its bytes to an identity, against the least that must be
 * done to them: hash and verify, by OpenSSL alone, the signature decoded beforehand. In turn, in one run;
 * what counts is their ratio. Beside them cjose, which verifies and parses and checks nothing; and what
 * refusing costs.
 *
 * bench_jwt FOLDER: also leaves the tokens there, with the keys, for npm jose.
 */
enum { ROUNDS = 15, WAYS = 3 };

static const struct {
    const char *alg;
    guint groups, times; /* times: in one round */
} sizes[] = { { "RS256", 10, 2000 }, { "RS256", 200, 800 }, { "RS256", 500, 400 }, { "ES256", 10, 1000 } };

typedef struct {
    const Party *party;
    const char *token;
    EVP_PKEY *key; /* of the token */
    gsize signed_size;
    guint8 *signature; /* as OpenSSL takes it */
    gsize signature_size;
    char *jwk;
} Case;

typedef gboolean (*Work)(const Case *c);

/* r and s side by side → DER. */
static void
to_der(Case *c)
{
    int half = (int)c->signature_size / 2;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    guint8 *der = NULL;

    ECDSA_SIG_set0(sig, BN_bin2bn(c->signature, half, NULL), BN_bin2bn(c->signature + half, half, NULL));
    c->signature_size = (gsize)i2d_ECDSA_SIG(sig, &der);
    g_free(c->signature);
    c->signature = g_memdup2(der, c->signature_size);
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
}

static Case
case_new(const Party *party, const char *alg, const char *token)
{
    const char *dot = strrchr(token, '.');
    gboolean rsa = strcmp(alg, "RS256") == 0;
    Case c = { party, token, rsa ? party->rsa : party->p256, (gsize)(dot - token), NULL, 0, NULL };
    g_autoptr(GBytes) bytes = rb_base64url_decode(dot + 1);

    c.signature = g_bytes_unref_to_data(g_steal_pointer(&bytes), &c.signature_size);
    if (!rsa)
        to_der(&c);
    c.jwk = jose_jwk(c.key, alg, NULL);
    return c;
}

static gboolean
bound(const Case *c)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    gboolean ok =
        EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, c->key) == 1 &&
        EVP_DigestVerify(ctx, c->signature, c->signature_size, (const guint8 *)c->token, c->signed_size) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static gboolean
ours(const Case *c)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbIdentity) identity = party_identity(c->party, c->token, &error);

    if (identity == NULL)
        fprintf(stderr, "bench_jwt: %s\n", error->message);
    return identity != NULL;
}

#ifdef RB_WITH_CJOSE
static gboolean
cjose(const Case *c)
{
    static cjose_jwk_t *key; /* of the last case */
    static const char *of;
    cjose_err why;
    cjose_jws_t *jws = cjose_jws_import(c->token, strlen(c->token), &why);
    gboolean ok;
    uint8_t *bytes = NULL;
    size_t size = 0;
    json_t *claims;

    if (of != c->jwk) {
        cjose_jwk_release(key);
        key = cjose_jwk_import(c->jwk, strlen(c->jwk), &why);
        of = c->jwk;
    }
    ok = jws != NULL && cjose_jws_verify(jws, key, &why) && cjose_jws_get_plaintext(jws, &bytes, &size, &why);
    claims = ok ? json_loadb((const char *)bytes, size, 0, NULL) : NULL;
    cjose_jws_release(jws);
    json_decref(claims);
    return claims != NULL;
}
#endif

static gboolean
refused(const Case *c)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbIdentity) identity = party_identity(c->party, c->token, &error);

    return identity == NULL;
}

static double
timed(Work work, const Case *c, guint times)
{
    double start = measure_cpu_us();

    for (guint i = 0; i < times; i++)
        if (!work(c)) {
            fprintf(stderr, "bench_jwt: not the wanted outcome\n");
            exit(1);
        }
    return (measure_cpu_us() - start) / times;
}

/* The medians of @works' times into @us, and of their ratios to the first's. */
static void
in_turn(const Work *works, const Case *const *cases, guint n, guint times, double *us, double *ratio)
{
    double all[WAYS][ROUNDS], ratios[WAYS][ROUNDS];

    for (guint w = 0; w < n; w++)
        (void)timed(works[w], cases[w], times); /* warm */
    for (int r = 0; r < ROUNDS; r++)
        for (guint w = 0; w < n; w++) {
            all[w][r] = timed(works[w], cases[w], times);
            ratios[w][r] = all[w][r] / all[0][r];
        }
    for (guint w = 0; w < n; w++) {
        us[w] = measure_median(all[w], ROUNDS);
        ratio[w] = measure_median(ratios[w], ROUNDS);
    }
}

static void
leave(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (!g_file_set_contents(path, text, -1, NULL)) {
        fprintf(stderr, "bench_jwt: cannot write %s\n", path);
        exit(1);
    }
}

static void
measure(const Party *party, guint row, const char *folder)
{
#ifdef RB_WITH_CJOSE
    static const Work works[] = { bound, ours, cjose };
#else
    static const Work works[] = { bound, ours };
#endif
    guint n = G_N_ELEMENTS(works);
    guint groups = sizes[row].groups;
    g_autofree char *token = party_token(party, sizes[row].alg, groups, NULL);
    g_autofree char *name = g_strdup_printf("%s_%u.jwt", sizes[row].alg, groups);
    Case c = case_new(party, sizes[row].alg, token);
    double us[WAYS], ratio[WAYS];

    if (folder != NULL)
        leave(folder, name, token);
    in_turn(works, (const Case *const[]){ &c, &c, &c }, n, sizes[row].times, us, ratio);
    printf("%s %4u groups %6zu bytes  hash+verify %6.1f us  complete %6.1f us  ratio %.2f", sizes[row].alg,
           groups, strlen(token), us[0], us[1], ratio[1]);
    if (n > 2)
        printf("  cjose %6.1f us, %.2f", us[2], ratio[2]);
    putchar('\n');
    g_free(c.jwk);
    g_free(c.signature);
}

/* Against a token of 10 groups that is accepted: one of a key that nobody has, and one too large to be read.
 */
static void
measure_refusals(const Party *party)
{
    static const Work works[WAYS] = { ours, refused, refused };
    g_autofree char *good = party_token(party, "RS256", 10, NULL);
    g_autofree char *unknown = party_token(party, "RS256", 10, "another-issuer");
    g_autofree char *large = g_strnfill(RB_JWS_MAX + 1, 'A');
    const Case cases[WAYS] = { { .party = party, .token = good },
                               { .party = party, .token = unknown },
                               { .party = party, .token = large } };
    double us[WAYS], ratio[WAYS];

    in_turn(works, (const Case *const[]){ &cases[0], &cases[1], &cases[2] }, WAYS, 1000, us, ratio);
    printf(
        "refused, RS256 10 groups: unknown key %.1f us, %.2f of an accepted one; over-size %.1f us, %.2f\n",
        us[1], ratio[1], us[2], ratio[2]);
}

/* ---- tokens of our own, as web-identity accounts get them ---- */

typedef struct {
    RbPrivateKey *key;
    EVP_PKEY *pkey;
    const char *input; /* of the signature: header and payload, encoded before */
} Making;

static RbPrivateKey *
private_key(EVP_PKEY *pkey)
{
    BIO *bio = BIO_new(BIO_s_mem());
    g_autoptr(RbSecret) pem = NULL;
    char *data;
    long size;

    if (PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
        exit(1);
    size = BIO_get_mem_data(bio, &data);
    pem = rb_secret_new(data, (gsize)size);
    BIO_free(bio);
    return rb_private_key_parse(pem, NULL);
}

static RbSecret *
make(const Making *m)
{
    json_t *claims =
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:[s], s:{s:{s:[s], s:[s]}}}", "iss",
                  "https://bridge.acme.example", "sub", "ada@acme.example", "aud", "sts.amazonaws.com", "iat",
                  ID_TOKEN_NOW, "exp", ID_TOKEN_NOW + 60, "jti", "_6f1d2c3b4a5968778695a4b3c2d1e0f0",
                  "https://aws.amazon.com/source_identity", "ada@acme.example", "amr", "mfa",
                  "https://aws.amazon.com/tags", "principal_tags", "CostCenter", "4711", "Team", "analytics");
    RbSecret *token = rb_jws_make(m->key, "k-2026-11", claims, NULL);

    json_decref(claims);
    return token;
}

static void
sign_bare(const Making *m)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    guint8 signature[1024];
    gsize size = sizeof signature;

    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, m->pkey) != 1 ||
        EVP_DigestSign(ctx, signature, &size, (const guint8 *)m->input, strlen(m->input)) != 1)
        exit(1);
    EVP_MD_CTX_free(ctx);
}

static void
measure_making(const char *alg, EVP_PKEY *pkey, guint times)
{
    Making m = { private_key(pkey), pkey, NULL };
    g_autoptr(RbSecret) example = make(&m);
    const char *text = rb_secret_reveal(example);
    g_autofree char *input = g_strndup(text, (gsize)(strrchr(text, '.') - text));
    double bare_us[ROUNDS], ours_us[ROUNDS], ratio[ROUNDS];

    m.input = input;
    for (int r = 0; r < ROUNDS; r++) {
        double start = measure_cpu_us(), middle;
        for (guint i = 0; i < times; i++)
            sign_bare(&m);
        middle = measure_cpu_us();
        for (guint i = 0; i < times; i++)
            rb_secret_unref(make(&m));
        bare_us[r] = (middle - start) / times;
        ours_us[r] = (measure_cpu_us() - middle) / times;
        ratio[r] = ours_us[r] / bare_us[r];
    }
    printf("made, %s: hash+sign %6.1f us  token %6.1f us  ratio %.2f\n", alg, measure_median(bare_us, ROUNDS),
           measure_median(ours_us, ROUNDS), measure_median(ratio, ROUNDS));
    rb_private_key_unref(m.key);
}

int
main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : NULL;
    Party *party = party_new();

    if (folder != NULL)
        leave(folder, "jwks.json", party->jwks);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        measure(party, i, folder);
    measure_refusals(party);
    measure_making("ES256", party->p256, 1000);
    measure_making("RS256", party->rsa, 200);
    party_free(party);
    return 0;
}
