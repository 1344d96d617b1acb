/* Replays a fuzz target's corpus as an ordinary test: every file named, or found below a named directory, is
 * given to the target once. With clang and -fsanitize=fuzzer the same target is a fuzzer (scripts/fuzz). */
#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static guint
replay(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    guint n = 0;

    if (dir == NULL) {
        g_autofree char *data = NULL;
        gsize size;
        if (!g_file_get_contents(path, &data, &size, NULL))
            return 0;
        (void)LLVMFuzzerTestOneInput((const uint8_t *)data, size);
        return 1;
    }
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        n += replay(child);
    }
    return n;
}

int
main(int argc, char **argv)
{
    guint n = 0;

    for (int i = 1; i < argc; i++)
        n += replay(argv[i]);
    g_print("%u inputs replayed\n", n);
    return n > 0 ? 0 : 1; /* an empty corpus is a broken test */
}
