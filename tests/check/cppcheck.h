/* For cppcheck alone, which does not read the libraries' headers: what their macros amount to. */
/* clang-format off */
#define G_DEFINE_QUARK(name, function)
#define G_DEFINE_AUTOPTR_CLEANUP_FUNC(type, function)
#define G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(type, function)
#define json_array_foreach(array, i, value) for (i = 0; i < json_array_size(array) && (value = json_array_get(array, i)); i++)
#define json_object_foreach(object, key, value) while (next_member(object, &key, &value))
#define g_autoptr(type) type *
#define g_auto(type) type
#define g_autofree
#define G_GNUC_PRINTF(a, b)
#define G_GNUC_NULL_TERMINATED
#define G_GNUC_WARN_UNUSED_RESULT
