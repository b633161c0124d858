// What the kernels of a product have in common: parameters, where the lines of a tile lie, what is fetched.
enum { ND_LEFT, ND_RIGHT, ND_OUT };

// The operand whose elements are windows has no lines in memory.
#ifdef ND_WINDOW
#if ND_WINDOW_LEFT
#define ND_NO_LEFT
#else
#define ND_NO_RIGHT
#endif
#define ND_WINDOW_PARAMETER const __grid_constant__ ND_WINDOW_OPERANDS windows,
#else
#define ND_WINDOW_PARAMETER
#endif

#ifdef ND_EPILOGUE
#define ND_RESULT_PARAMETER const __grid_constant__ ND_EPILOGUE_OPERANDS operands
#else
#define ND_RESULT_PARAMETER ND_RESULT* __restrict__ out
#endif

// The counts are of matrices, of rows, of columns and of terms of a sum.
#define ND_PRODUCT_PARAMETERS                                                                    \
    const ND_ELEMENT *__restrict__ left, const ND_ELEMENT *__restrict__ right,                   \
    const __grid_constant__ nd_axes<3> batch, const __grid_constant__ nd_axes<3> rows,           \
    const __grid_constant__ nd_axes<3> columns, const __grid_constant__ nd_axes<3> depth,        \
    long long batches, long long m_count, long long n_count, long long k_count,                  \
    ND_WINDOW_PARAMETER ND_RESULT_PARAMETER

// Where the rows and columns of a tile lie in each operand that has any.
struct nd_lines {
#ifndef ND_NO_LEFT
    nd_int left[ND_TILE];
#endif
#ifndef ND_NO_RIGHT
    nd_int right[ND_TILE];
#endif
#ifndef ND_EPILOGUE
    nd_int row_out[ND_TILE], column_out[ND_TILE];
#endif

    // Of the tile that begins here, of a matrix that begins at `one`. Every thread of the block finds some.
    __device__ __forceinline__ void find(
        const nd_place<3>& one, const nd_axes<3>& rows, const nd_axes<3>& columns, nd_int first_row, nd_int first_column,
        nd_int m, nd_int n) {
        for (int at = threadIdx.x; at < 2 * ND_TILE; at += ND_BLOCK) {
            const int line = at % ND_TILE;
            if (at < ND_TILE && first_row + line < m) {
                const nd_place<3> place = nd_find(rows, first_row + line);
#ifndef ND_NO_LEFT
                left[line] = one.at[ND_LEFT] + place.at[ND_LEFT];
#endif
#ifndef ND_EPILOGUE
                row_out[line] = one.at[ND_OUT] + place.at[ND_OUT];
#endif
            } else if (at >= ND_TILE && first_column + line < n) {
                const nd_place<3> place = nd_find(columns, first_column + line);
#ifndef ND_NO_RIGHT
                right[line] = one.at[ND_RIGHT] + place.at[ND_RIGHT];
#endif
#ifndef ND_EPILOGUE
                column_out[line] = place.at[ND_OUT];
#endif
            }
        }
    }
};

// What is fetched: an element in memory, or one of the windows of a place, a line and a term.
#ifdef ND_NO_LEFT
#define ND_LEFT_AT(line, term) ND_WINDOW(windows, number, first_row + (line), term)
#else
#define ND_LEFT_AT(line, term) left[lie.left[line] + nd_far<ND_LEFT>(depth, term)]
#endif
#ifdef ND_NO_RIGHT
#define ND_RIGHT_AT(line, term) ND_WINDOW(windows, number, first_column + (line), term)
#else
#define ND_RIGHT_AT(line, term) right[lie.right[line] + nd_far<ND_RIGHT>(depth, term)]
#endif

