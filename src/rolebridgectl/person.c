#include "rolebridgectl/person.h"

#include "base/encoding.h"

#include <string.h>

/* A mistake on the command line: words, a value in quotes, words. */
static void
wrong(const char *command, const char *before, const char *value, const char *after)
{
    g_autofree char *quoted = rb_text_quote(value);

    g_printerr("rolebridgectl %s: %s %s%s\nTry: rolebridgectl %s --help\n", command, before, quoted, after,
               command);
}

static void
attribute_free(gpointer data)
{
    g_strfreev(data);
}

/* "k=v" texts as attributes of one value each; the identity merges equal names. FALSE: one is not k=v. */
static gboolean
make_attributes(const char *command, char **texts, GArray *attributes, GPtrArray *owner)
{
    for (guint i = 0; texts != NULL && texts[i] != NULL; i++) {
        char *equals = strchr(texts[i], '=');
        GStrv parts;
        RbAttribute attribute;
        if (equals == NULL || equals == texts[i]) {
            wrong(command, "--attribute", texts[i], " must be KEY=VALUE");
            return FALSE;
        }
        parts = g_new0(char *, 3);
        parts[0] = g_strdup(equals + 1); /* values: parts[0], NULL */
        g_ptr_array_add(owner, parts);
        g_ptr_array_add(owner, g_strsplit(texts[i], "=", 2)); /* name: its first */
        attribute.values = (const char *const *)parts;
        attribute.name = ((GStrv)g_ptr_array_index(owner, owner->len - 1))[0];
        g_array_append_val(attributes, attribute);
    }
    return TRUE;
}

RbIdentity *
rb_person_identity(const char *command, const RbPerson *a, gint64 now)
{
    static const char *const nobody[] = { NULL };
    g_autoptr(GArray) attributes = g_array_new(TRUE, TRUE, sizeof(RbAttribute));
    g_autoptr(GPtrArray) owner = g_ptr_array_new_with_free_func(attribute_free);
    g_autoptr(GError) error = NULL;
    const char *name = a->name != NULL ? a->name : "somebody";
    RbIdentity facts = {
        .subject = name, .name = name, .issuer = "rolebridgectl", .authenticated_at = now, .groups_at = now
    };
    RbIdentity *identity;

    if (!make_attributes(command, a->attributes, attributes, owner))
        return NULL;
    facts.provider = a->provider != NULL ? a->provider : "(not said)";
    facts.groups = a->groups != NULL ? (const char *const *)a->groups : nobody;
    facts.attributes = (const RbAttribute *)(void *)attributes->data;
    facts.n_attributes = attributes->len;
    facts.mfa = a->mfa;
    identity = rb_identity_new(&facts, &error);
    if (identity == NULL)
        wrong(command, "no sign-in could say this:", error->message, "");
    return identity;
}
