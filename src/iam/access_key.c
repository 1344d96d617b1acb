#include "iam/access_key.h"

#include <string.h>

gboolean
rb_access_key_check(const char *access_key_id)
{
    gsize n = strspn(access_key_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    return n >= 16 && n <= 128 && access_key_id[n] == '\0';
}

gboolean
rb_access_key_long_lived(const char *access_key_id)
{
    return g_str_has_prefix(access_key_id, "AKIA");
}

gboolean
rb_access_key_account(const char *access_key_id, char account[13])
{
    static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    guint64 n = 0, id;

    if (strlen(access_key_id) != 20 || strspn(access_key_id + 4, base32) != 16)
        return FALSE;
    for (int i = 4; i < 14; i++) /* ten characters carry the 48 bits we need, and two more */
        n = n << 5 | (guint64)(strchr(base32, access_key_id[i]) - base32);
    id = ((n >> 2) & G_GUINT64_CONSTANT(0x7fffffffff80)) >> 7;
    (void)g_snprintf(account, 13, "%012" G_GUINT64_FORMAT, id); /* 40 bits: at most 13 digits */
    return id < G_GUINT64_CONSTANT(1000000000000);
}
