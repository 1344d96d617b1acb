#include "sandbox/cloud.h"

#include "base/encoding.h"

#include <openssl/rand.h>
#include <string.h>

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void
fill_random(void *bytes, gsize size)
{
    if (RAND_bytes(bytes, (int)size) != 1)
        g_error("the system's random generator does not answer");
}

char *
rb_box_access_key_new(const char *account)
{
    guint64 head, value = 0;
    guint8 bytes[10];
    char key[21] = "ASIA";

    fill_random(bytes, sizeof bytes);
    head = (g_ascii_strtoull(account, NULL, 10) << 7) | (G_GUINT64_CONSTANT(1) << 47) | (bytes[5] & 0x7f);
    for (int i = 0; i < 6; i++)
        bytes[i] = (guint8)(head >> (8 * (5 - i)));
    for (int i = 0, bits = 0, at = 4; i < 10; i++) {
        value = (value << 8) | bytes[i];
        for (bits += 8; bits >= 5; bits -= 5)
            key[at++] = base32[(value >> (bits - 5)) & 31];
    }
    return g_strdup(key);
}

char *
rb_box_access_key_account(const char *access_key_id)
{
    guint64 head = 0;

    if (strlen(access_key_id) != 20 ||
        (!g_str_has_prefix(access_key_id, "ASIA") && !g_str_has_prefix(access_key_id, "AKIA")))
        return NULL;
    for (int i = 4; i < 14; i++) { /* ten characters are 50 bits: the first six bytes and two bits more */
        const char *at = strchr(base32, access_key_id[i]);

        if (at == NULL || *at == '\0')
            return NULL;
        head = (head << 5) | (guint64)(at - base32);
    }
    head >>= 2;
    return g_strdup_printf("%012" G_GUINT64_FORMAT, (head & G_GUINT64_CONSTANT(0x7fffffffff80)) >> 7);
}

char *
rb_box_unique_id(const char *prefix, const char *name)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    guint8 digest[32];
    char id[22];

    rb_sha256(name, strlen(name), digest);
    for (int i = 0; i < 4; i++)
        id[i] = prefix[i];
    for (int i = 4; i < 21; i++)
        id[i] = alphabet[digest[i] % 36];
    id[21] = '\0';
    return g_strdup(id);
}

char *
rb_box_request_id(void)
{
    return g_uuid_string_random();
}
