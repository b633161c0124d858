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
            results::attentions_of_any_width_mask_and_order,
            products::products_of_operands_that_lie_anyhow,
            products::products_of_no_elements_are_zeros,
            edges::epilogues_at_the_edges_of_tiles,
            edges::epilogues_of_many_products,
            edges::epilogues_that_pick,
            edges::epilogues_of_one_row_or_column,
            edges::epilogues_with_columns_of_several_axes,
            edges::attentions_that_share_keys_or_see_nothing,
            edges::attentions_of_some_scores,
            masked::attentions_with_keys_that_nobody_sees,
            edges::layers_of_products,
            edges::convolutions_and_their_gradients,
            edges::strips_of_every_length_and_place,
            slices::rows_that_are_few_and_long,
            slices::columns_that_are_few_and_long,
            slices::slices_of_what_is_no_number,
            slices::slices_of_gradients_and_gathers,
            turned::maps_that_read_turned,
            turned::narrow_maps_that_read_turned,
            turned::turned_axes_among_others,
            results::gathers_and_scatters,
            results::an_index_out_of_range_is_the_hosts_error_and_no_harm,
            results::results_are_written_to_memory_of_the_callers,
            training::gradients_are_the_hosts,
            halves::halves_are_the_hosts,
            training::gradients_of_views_are_the_hosts,
            copies::batches_are_sent_and_results_fetched_beside_the_calls,
            copies::copies_that_are_dropped_or_forgotten_are_no_harm,
            copies::events_measure_the_device,
        }
    };
}
