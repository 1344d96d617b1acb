#include "base/diagnostics.h"
#include "base/yaml.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(RbYamlDocument) document = rb_yaml_parse("fuzz.yaml", bytes, problems);
    g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);

    g_assert((document != NULL) == (rb_diagnostics_count(problems) == 0));
    return 0;
}
