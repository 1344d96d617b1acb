#include "iam/catalogue_priv.h"

#include <stdlib.h>
#include <string.h>

/*
 * The text is copied once and cut where it stands: names are pointers into it. One pass counts, so that each
 * kind of thing has one array; a second one fills them.
 */

typedef struct {
    char *at; /* the next line */
    RbConditionKey *keys;
    RbResourceType *resources;
    RbAction *actions;
    RbService *services;
    const char **words; /* the lists of all, each with its NULL */
    RbCatalogue *out;
} Reader;

/* The next field of the line, or of a list within it. */
static char *
cut(char **at, char separator)
{
    char *start = *at, *end;

    if (start == NULL)
        g_error("catalogue.txt: a line is too short");
    end = strchr(start, separator);
    if (end != NULL)
        *end++ = '\0';
    *at = end;
    return start;
}

static const char *const *
read_list(Reader *r, char *field)
{
    const char *const *start = r->words;

    if (!g_str_equal(field, "-"))
        for (char *at = field; at != NULL;)
            *r->words++ = cut(&at, ',');
    *r->words++ = NULL;
    return start;
}

static int
by_name(const void *name, const void *resource)
{
    return strcmp(name, ((const RbResourceType *)resource)->name);
}

/* A list of names becomes a list of what is called so, in the same place. */
static const RbResourceType *const *
find_resources(Reader *r, char *field)
{
    const RbService *s = r->services - 1;
    const char **names = r->words;

    (void)read_list(r, field);
    for (const char **at = names; *at != NULL; at++) {
        const void *found = s->n_resources == 0
                                ? NULL
                                : bsearch(*at, s->resources, s->n_resources, sizeof *s->resources, by_name);
        if (found == NULL)
            g_error("catalogue.txt: %s has no resource '%s'", s->prefix, *at);
        *at = found;
    }
    return (const RbResourceType *const *)names;
}

static void
read_key(Reader *r, char *line)
{
    RbConditionKey *k = r->keys++;
    const char *type;

    k->name = cut(&line, '\t');
    type = cut(&line, '\t');
    k->several = g_str_has_prefix(type, "ArrayOf");
    k->type = k->several ? type + strlen("ArrayOf") : type;
    r->out->n_keys++;
    if (strstr(k->name, "${") != NULL)
        r->out->templates[r->out->n_templates++] = k;
}

static void
read_service(Reader *r, char *line)
{
    *r->services++ = (RbService){ .prefix = line, .resources = r->resources, .actions = r->actions };
    r->out->prefixes[r->out->n_services++] = line;
}

static void
read_resource(Reader *r, char *line)
{
    RbResourceType *t = r->resources++;

    t->name = cut(&line, '\t');
    t->arns = read_list(r, cut(&line, '\t'));
    t->keys = read_list(r, cut(&line, '\t'));
    r->services[-1].n_resources++;
}

static RbAccessLevel
level(const char *letter)
{
    static const char letters[] = { [RB_ACCESS_LIST] = 'l',
                                    [RB_ACCESS_READ] = 'r',
                                    [RB_ACCESS_TAGGING] = 't',
                                    [RB_ACCESS_WRITE] = 'w',
                                    [RB_ACCESS_PERMISSIONS] = 'p' };
    const char *found = memchr(letters, *letter, sizeof letters);

    if (found == NULL)
        g_error("catalogue.txt: no access level '%s'", letter);
    return (RbAccessLevel)(found - letters);
}

static void
read_action(Reader *r, char *line)
{
    RbAction *a = r->actions++;

    a->service = r->services[-1].prefix;
    a->name = cut(&line, '\t');
    a->level = level(cut(&line, '\t'));
    a->resources = find_resources(r, cut(&line, '\t'));
    a->keys = read_list(r, cut(&line, '\t'));
    r->services[-1].n_actions++;
}

static void
read_line(Reader *r, char *line)
{
    const char *kind = cut(&line, '\t');

    if (g_str_equal(kind, "version"))
        r->out->version = line;
    else if (g_str_equal(kind, "k"))
        read_key(r, line);
    else if (g_str_equal(kind, "service"))
        read_service(r, line);
    else if (g_str_equal(kind, "r"))
        read_resource(r, line);
    else if (g_str_equal(kind, "a"))
        read_action(r, line);
    else
        g_error("catalogue.txt: a line that begins with '%s'", kind);
}

/* As many as there can be of each. */
static void
make_room(Reader *r, const char *text)
{
    gsize keys = 0, services = 0, resources = 0, actions = 0, words = 0;

    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        keys += *line == 'k';
        services += *line == 's';
        resources += *line == 'r';
        actions += *line == 'a';
    }
    /* a list of n words has n - 1 commas and a tab before it, and wants n + 1 places; what an action's level
     * has no need of makes up for it, a resource's name does not */
    for (const char *at = text; *at != '\0'; at++)
        words += *at == ',' || *at == '\t';
    r->out->templates = g_new0(const RbConditionKey *, keys);
    r->out->prefixes = g_new0(const char *, services + 1);
    r->out->keys = r->keys = g_new0(RbConditionKey, keys);
    r->out->services = r->services = g_new0(RbService, services);
    r->resources = g_new0(RbResourceType, resources);
    r->actions = g_new0(RbAction, actions);
    r->words = g_new0(const char *, words + resources);
}

const RbCatalogue *
rb_catalogue_read(const char *text)
{
    Reader r = { .at = g_strdup(text), .out = g_new0(RbCatalogue, 1) };

    make_room(&r, text);
    while (*r.at != '\0') {
        char *line = r.at;
        r.at = strchr(line, '\n');
        *r.at++ = '\0';
        read_line(&r, line);
    }
    return r.out;
}
