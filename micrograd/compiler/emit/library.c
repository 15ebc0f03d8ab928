/* What each library begins with. */

#if defined __FAST_MATH__ || __FINITE_MATH_ONLY__
#error "a library must not be compiled with -ffast-math: it changes numbers in the whole process"
#endif

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
