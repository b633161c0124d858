//! What holds on every device: on the fake one and on a GPU.
//!
//! In: a macro that makes a test of each. Out: the tests.

/// Hands all cases to the macro.
macro_rules! each_case {
    ($make:ident) => {
        $make! {
            results::maps_rows_and_columns,
            results::views_of_any_strides_are_read_where_they_lie,
            results::products_with_and_without_epilogues,
            results::gathers_and_scatters,
            results::an_index_out_of_range_is_the_hosts_error_and_no_harm,
            results::results_are_written_to_memory_of_the_callers,
            training::gradients_are_the_hosts,
            halves::halves_are_the_hosts,
        }
    };
}
