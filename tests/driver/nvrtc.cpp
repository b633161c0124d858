// A compiler for one architecture. What it makes of a text is the text, after the head of machine code: the stand-in for the
// driver finds kernels in it by their names. STUB_FAIL=name:code makes one function answer a code.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

enum { SUCCESS = 0, INVALID_INPUT = 3, INVALID_PROGRAM = 4, INVALID_OPTION = 5, COMPILATION = 6 };

struct program {
    std::string source, log, code;
};

static int refused(const char* name) {
    const char* wanted = std::getenv("STUB_FAIL");
    const size_t n = std::strlen(name);
    return wanted && !std::strncmp(wanted, name, n) && wanted[n] == ':' ? std::atoi(wanted + n + 1) : SUCCESS;
}

static const char* text(const char* name, const char* usual) {
    const char* value = std::getenv(name);
    return value ? value : usual;
}

static bool begins(const char* option, const char* with) { return !std::strncmp(option, with, std::strlen(with)); }

#define BEGIN \
    if (const int code = refused(__func__)) return code
#define WITH_PROGRAM \
    BEGIN;           \
    if (!p) return INVALID_PROGRAM

extern "C" {
int nvrtcVersion(int* major, int* minor) {
    BEGIN;
    return std::sscanf(text("STUB_NVRTC", "13.0"), "%d.%d", major, minor) == 2 ? SUCCESS : INVALID_INPUT;
}
int nvrtcCreateProgram(program** p, const char* source, const char* name, int headers, const char* const*, const char* const*) {
    BEGIN;
    if (!source || !name || headers != 0) return INVALID_INPUT;
    *p = new program{source};
    return SUCCESS;
}
int nvrtcDestroyProgram(program** p) {
    BEGIN;
    delete *p;
    *p = nullptr;
    return SUCCESS;
}
int nvrtcCompileProgram(program* p, int count, const char* const* options) {
    if (!p) return INVALID_PROGRAM;
    if (const int code = refused(__func__)) {
        p->log = "kernel.cu(1): error: it is asked for";
        return code;
    }
    const std::string architecture = "--gpu-architecture=" + std::string(text("STUB_ARCHITECTURE", "sm_90"));
    for (int k = 0; k < count; ++k) {
        if (begins(options[k], "--gpu-architecture=") && options[k] != architecture) {
            p->log = "nvrtc: error: invalid value for --gpu-architecture (-arch)\n";
            return INVALID_OPTION;
        }
    }
    p->code = "\177ELF" + p->source;
    return SUCCESS;
}
int nvrtcGetProgramLogSize(program* p, size_t* n) { WITH_PROGRAM; *n = p->log.size() + 1; return SUCCESS; }
int nvrtcGetProgramLog(program* p, char* to) { WITH_PROGRAM; std::strcpy(to, p->log.c_str()); return SUCCESS; }
int nvrtcGetCUBINSize(program* p, size_t* n) { WITH_PROGRAM; *n = p->code.size() + 1; return SUCCESS; }
int nvrtcGetCUBIN(program* p, char* to) { WITH_PROGRAM; std::strcpy(to, p->code.c_str()); return SUCCESS; }
const char* nvrtcGetErrorString(int code) {
    return code == INVALID_OPTION ? "NVRTC_ERROR_INVALID_OPTION" : code == COMPILATION ? "NVRTC_ERROR_COMPILATION" : nullptr;
}
}
