#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/hdf5.hpp"
#include "sim/analysis_data.hpp"

namespace striate {

/// Creates the dataset of an analysis, [leading axes..., its conditions, its row], with what a picture of it needs.
void create_analysis(H5File& file, const Analysis& analysis, const AnalysisResult& form,
                     const std::vector<std::string>& leading_axes = {});

/// Writes the values of an analysis at a place on its leading axes.
void write_analysis(H5File& file, const Analysis& analysis, const AnalysisResult& result,
                    const std::vector<std::size_t>& place = {});

/// Writes the published points beside an analysis, under /data.
void write_data(H5File& file, const Analysis& analysis, const AnalysisResult& form, const DataComparison& data);

/// Writes the scores as attributes of the analysis.
void write_scores(H5File& file, const Analysis& analysis, const DataComparison& data);

/// The line to print: the values of a single curve, and its scores.
std::string analysis_line(const Analysis& analysis, const AnalysisResult& result,
                          const std::optional<DataComparison>& data);

}  // namespace striate
