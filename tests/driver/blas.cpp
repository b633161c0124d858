// A cuBLASLt of plain loops: the functions that the runtime loads, with their parameters and the numbers of the attributes.
// STUB_FAIL=name:code makes one function answer a code; STUB_WAYS=0 has no way for any product.
#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" int stub_is_stream(void*);
extern "C" int stub_is_memory(uint64_t, size_t);

enum { SUCCESS = 0, INVALID_VALUE = 7 };
struct Product { int compute, scale, turned[2]; unsigned epilogue; const void* bias; };
struct Layout { int type; uint64_t rows, columns; int64_t step; int32_t batch; int64_t batch_step; };
struct Choice { uint64_t room; uint32_t splits, alignment[4]; };
struct Algorithm { uint64_t data[8]; };
struct Found { Algorithm algorithm; size_t room; unsigned state; float waves; int reserved[4]; };

static unsigned refused(const char* name) {
    const char* wanted = std::getenv("STUB_FAIL");
    const size_t n = std::strlen(name);
    return wanted && !std::strncmp(wanted, name, n) && wanted[n] == ':' ? std::atoi(wanted + n + 1) : SUCCESS;
}

static size_t size(int type) { return type == 1 ? 8 : 4; }

static size_t span(const Layout& m) {
    return ((m.batch - 1) * m.batch_step + (int64_t)(m.columns - 1) * m.step + m.rows) * size(m.type);
}

template <typename T> static void multiply(const Product& p, const T* a, const Layout& la, const T* b, const Layout& lb, T* d, const Layout& ld) {
    const uint64_t terms = p.turned[0] ? la.rows : la.columns;
    for (int n = 0; n < ld.batch; ++n)
        for (uint64_t i = 0; i < ld.rows; ++i)
            for (uint64_t j = 0; j < ld.columns; ++j) {
                T sum = 0;
                for (uint64_t k = 0; k < terms; ++k)
                    sum += a[n * la.batch_step + (p.turned[0] ? k + i * la.step : i + k * la.step)] *
                           b[n * lb.batch_step + (p.turned[1] ? j + k * lb.step : k + j * lb.step)];
                d[n * ld.batch_step + i + j * ld.step] = p.epilogue == 4 ? sum + ((const T*)p.bias)[i] : sum;
            }
}

#define BEGIN \
    if (const unsigned code = refused(__func__)) return code
#define WANT(what) \
    if (!(what)) return INVALID_VALUE

extern "C" {
unsigned cublasLtGetProperty(unsigned which, int* v) { BEGIN; *v = which == 0 ? 13 : 4; return SUCCESS; }
unsigned cublasLtCreate(void** h) { BEGIN; *h = std::malloc(1); return SUCCESS; }
unsigned cublasLtDestroy(void* h) { BEGIN; std::free(h); return SUCCESS; }
unsigned cublasLtMatmulDescCreate(Product** p, unsigned compute, unsigned scale) {
    BEGIN;
    // 32F and 64F, and TF32 where it may be.
    const char* fast = std::getenv("STUB_TF32");
    WANT((compute == 70 && scale == 1) || (compute == (fast ? 77 : 68) && scale == 0));
    *p = new Product{(int)compute, (int)scale, {0, 0}, 1, nullptr};
    return SUCCESS;
}
unsigned cublasLtMatmulDescSetAttribute(Product* p, unsigned which, const void* v, size_t n) {
    BEGIN;
    WANT((which == 3 && n == 4) || (which == 4 && n == 4) || (which == 7 && n == 4) || (which == 8 && n == 8));
    if (which == 3 || which == 4) p->turned[which - 3] = *(const int32_t*)v;
    // By default none; a vector that is added.
    if (which == 7) WANT((p->epilogue = *(const uint32_t*)v) == 4 && p->scale == 0);
    if (which == 8) p->bias = *(const void* const*)v;
    return SUCCESS;
}
unsigned cublasLtMatmulDescDestroy(Product* p) { BEGIN; delete p; return SUCCESS; }
unsigned cublasLtMatrixLayoutCreate(Layout** m, unsigned type, uint64_t rows, uint64_t columns, int64_t step) {
    BEGIN;
    WANT(type < 2 && rows > 0 && columns > 0 && step >= (int64_t)rows);
    *m = new Layout{(int)type, rows, columns, step, 1, 0};
    return SUCCESS;
}
unsigned cublasLtMatrixLayoutSetAttribute(Layout* m, unsigned which, const void* v, size_t n) {
    BEGIN;
    WANT((which == 5 && n == 4) || (which == 6 && n == 8));
    if (which == 5) m->batch = *(const int32_t*)v;
    if (which == 6) m->batch_step = *(const int64_t*)v;
    return SUCCESS;
}
unsigned cublasLtMatrixLayoutDestroy(Layout* m) { BEGIN; delete m; return SUCCESS; }
unsigned cublasLtMatmulPreferenceCreate(Choice** c) { BEGIN; *c = new Choice{0, 7, {256, 256, 256, 256}}; return SUCCESS; }
unsigned cublasLtMatmulPreferenceSetAttribute(Choice* c, unsigned which, const void* v, size_t n) {
    BEGIN;
    WANT((which == 1 && n == 8) || (which == 3 && n == 4) || (which >= 5 && which <= 8 && n == 4));
    if (which == 1) c->room = *(const uint64_t*)v;
    if (which == 3) c->splits = *(const uint32_t*)v;
    if (which >= 5) c->alignment[which - 5] = *(const uint32_t*)v;
    return SUCCESS;
}
unsigned cublasLtMatmulPreferenceDestroy(Choice* c) { BEGIN; delete c; return SUCCESS; }
unsigned cublasLtMatmulAlgoGetHeuristic(
    void*, Product* p, Layout* a, Layout* b, Layout* c, Layout* d, Choice* choice, int most, Found* found, int* count) {
    BEGIN;
    WANT(most == 1 && c == d && choice->room > 1000 && choice->splits == 2);
    const char* ways = std::getenv("STUB_WAYS");
    *count = ways ? std::atoi(ways) : 1;
    const uint64_t rows = p->turned[0] ? a->columns : a->rows, terms = p->turned[0] ? a->rows : a->columns;
    const uint64_t columns = p->turned[1] ? b->rows : b->columns, again = p->turned[1] ? b->columns : b->rows;
    WANT((p->epilogue == 4) == (p->bias != nullptr));
    WANT(rows == d->rows && columns == d->columns && terms == again && a->batch == d->batch && b->batch == d->batch);
    std::memset(found, 0, sizeof *found);
    found->algorithm.data[0] = 77;
    for (int k = 0; k < 4; ++k) found->algorithm.data[k + 1] = choice->alignment[k];
    found->room = 1000;
    const char* state = std::getenv("STUB_STATE");
    found->state = state ? std::atoi(state) : SUCCESS;
    return SUCCESS;
}
unsigned cublasLtMatmul(
    void*, Product* p, const void* one, const void* a, Layout* la, const void* b, Layout* lb, const void* zero, const void* c,
    Layout* lc, void* d, Layout* ld, const Algorithm* algorithm, void* room, size_t bytes, void* stream) {
    BEGIN;
    WANT(stub_is_stream(stream) && algorithm->data[0] == 77 && c == d && lc == ld && bytes >= 1000);
    WANT(stub_is_memory((uint64_t)a, span(*la)) && stub_is_memory((uint64_t)b, span(*lb)));
    WANT(stub_is_memory((uint64_t)d, span(*ld)) && stub_is_memory((uint64_t)room, bytes));
    // The addresses are multiples of what the choice was told.
    const void* at[4] = {a, b, c, d};
    for (int k = 0; k < 4; ++k) WANT((uint64_t)at[k] % algorithm->data[k + 1] == 0);
    WANT(p->epilogue == 1 || stub_is_memory((uint64_t)p->bias, ld->rows * size(ld->type)));
    WANT(p->epilogue == 1 || (uint64_t)p->bias % algorithm->data[4] == 0);
    std::memset(room, 0xa5, bytes);
    if (p->scale == 1) {
        WANT(*(const double*)one == 1.0 && *(const double*)zero == 0.0);
        multiply(*p, (const double*)a, *la, (const double*)b, *lb, (double*)d, *ld);
    } else {
        WANT(*(const float*)one == 1.0f && *(const float*)zero == 0.0f);
        multiply(*p, (const float*)a, *la, (const float*)b, *lb, (float*)d, *ld);
    }
    return SUCCESS;
}
const char* cublasLtGetStatusName(unsigned code) { return code == 14 ? "CUBLAS_STATUS_INTERNAL_ERROR" : nullptr; }
}
