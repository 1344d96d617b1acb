#include "base/log.h"

#include "base/encoding.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

/* Set once before threads start, read afterwards. */
static struct {
    RbLogLevel least;
    gboolean json;
} settings = { RB_LOG_INFO, FALSE };

static const char *const level_names[] = { "debug", "info", "warning", "error" };

void
rb_log_setup(RbLogLevel least, gboolean json)
{
    settings.least = least;
    settings.json = json;
}

static void
append_pair(GString *line, json_t *object, const char *key, const char *value)
{
    g_autofree char *shown = rb_text_printable(value, 2000);

    if (object != NULL)
        (void)json_object_set_new(object, key, json_string(shown)); /* printable text is valid UTF-8 */
    else if (*shown == '\0' || strpbrk(shown, " =\"'\\") != NULL) {
        json_t *text = json_string(shown); /* quoted as JSON quotes */
        char *quoted = json_dumps(text, JSON_ENCODE_ANY);
        g_string_append_printf(line, " %s=%s", key, quoted != NULL ? quoted : "\"\"");
        free(quoted);
        json_decref(text);
    } else
        g_string_append_printf(line, " %s=%s", key, shown);
}

void
rb_log(RbLogLevel level, const char *event, ...)
{
    g_autofree char *time = rb_time_format(g_get_real_time() / G_USEC_PER_SEC);
    GString *line = g_string_new(NULL);
    json_t *object = settings.json ? json_object() : NULL;
    const char *key;
    va_list args;

    if (level >= settings.least) {
        if (object != NULL) {
            append_pair(line, object, "time", time);
            append_pair(line, object, "level", level_names[level]);
            append_pair(line, object, "event", event);
        } else
            g_string_append_printf(line, "%s %-7s %s", time, level_names[level], event);
        va_start(args, event);
        while ((key = va_arg(args, const char *)) != NULL) {
            const char *value = va_arg(args, const char *);
            if (value != NULL)
                append_pair(line, object, key, value);
        }
        va_end(args);
        if (object != NULL) {
            char *dumped = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
            g_string_assign(line, dumped != NULL ? dumped : "{}");
            free(dumped);
        }
        g_string_append_c(line, '\n');
        /* one write per line, so that lines of several threads never mix; a full disk must not stop the
         * service */
        if (write(STDERR_FILENO, line->str, line->len) < 0)
            (void)0;
    }
    json_decref(object);
    g_string_free(line, TRUE);
}
