#include "iam/catalogue.h"
#include "iam/policy_check_priv.h"

#include "base/encoding.h"

#include <string.h>

/* ${key} and ${key, 'default'} (reference §8.2). */

/* What follows the comma must be one text in single quotes. */
static gboolean
is_default(const char *text)
{
    gsize n;

    text += strspn(text, " ");
    n = strlen(text);
    return n >= 2 && text[0] == '\'' && text[n - 1] == '\'' && strchr(text + 1, '\'') == text + n - 1;
}

/* @name: what stands in the braces. */
static void
check_name(const RbPolicyCheck *check, RbPlace place, char *name)
{
    char *comma = strchr(name, ',');
    g_autofree char *quoted = rb_text_quote(name);

    if (comma != NULL)
        *comma = '\0';
    if (*name == '\0')
        RB_FIND(check, ERROR, "EMPTY_VARIABLE", place, "write ${key}", "a variable without a name");
    else if (strpbrk(name, " \t\r\n") != NULL)
        RB_FIND(check, ERROR, "UNSUPPORTED_SPACE_IN_VARIABLE", place, "leave the space out",
                "a space in the variable %s", quoted);
    else if (comma != NULL && !is_default(comma + 1))
        RB_FIND(check, ERROR, "MISSING_QUOTE_IN_VARIABLE", place, "write ${key, 'default'}",
                "the default value of %s is not in single quotes", quoted);
    else if (g_ascii_strncasecmp(name, "aws:", 4) == 0 && rb_catalogue_key(name) == NULL)
        RB_FIND(check, ERROR, "INVALID_GLOBAL_CONDITION_KEY", place, NULL, "AWS has no key %s for a variable",
                quoted);
}

/* Where the variable that begins at @open ends: '}' behind a default in quotes, which may hold braces. */
static const char *
end_of(const char *open)
{
    gboolean quoted = FALSE;

    for (const char *at = open; *at != '\0'; at++) {
        quoted = *at == '\'' ? !quoted : quoted;
        if (*at == '}' && !quoted)
            return at;
    }
    return strchr(open, '}'); /* a quote that is not closed is told of by itself */
}

gboolean
rb_policy_check_variables(const RbPolicyCheck *check, const RbPolicyText *text, const char *from,
                          const char *code, const char *wrong)
{
    gboolean some = FALSE;

    for (const char *open = strstr(from, "${"), *close; open != NULL; open = strstr(close, "${")) {
        g_autofree char *name = NULL;
        close = end_of(open + 2);
        if (close == NULL) {
            RB_FIND(check, ERROR, "MISSING_BRACE_IN_VARIABLE", text->place, "close it with }",
                    "a '${' that does not end");
            return TRUE;
        }
        name = g_strndup(open + 2, (gsize)(close - open - 2));
        if (g_str_equal(name, "*") || g_str_equal(name, "?") || g_str_equal(name, "$"))
            continue;
        if (!some && code != NULL)
            RB_FIND(check, ERROR, code, text->place, NULL, "%s", wrong);
        else if (!some && g_strcmp0(check->policy->version, "2012-10-17") != 0)
            RB_FIND(check, ERROR, "VARIABLE_UNSUPPORTED_IN_VERSION", text->place,
                    "begin with \"Version\": \"2012-10-17\"",
                    "without the Version of 2012 this is no variable but the text itself");
        some = TRUE;
        check_name(check, text->place, name);
    }
    return some;
}
