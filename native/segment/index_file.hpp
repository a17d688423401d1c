// A payload index as a file beside the segment file whose rows it covers. The file is derived data,
// so no manifest names it. It is written again if it is missing or damaged, or belongs to another
// segment file or another index of the field. docs/data-format.md describes the format.
#pragma once

#include <memory>
#include <string>

#include "filter/filed_index.hpp"
#include "segment/block_file.hpp"
#include "segment/segment_cooling.hpp"

namespace vicinal {

// Path of the index file of a field of this segment file.
std::string indexPath(const std::string& segmentPath, const IndexField& field);

// Writes the index of the rows in the segment's file. An incomplete file has no header.
Status writeIndexFile(const Segment& segment, const IndexField& field, const FileStamp& base,
                      const FiledSegment& filed);

// Maps the file. CORRUPT if it is damaged or belongs to another segment file or another index.
Result<std::shared_ptr<FiledIndex>> openIndexFile(const IndexField& field, const FileStamp& base,
                                                  uint32_t rows);

// The file's index if it is sound; otherwise a new one if `mayWrite` allows it, else null.
std::shared_ptr<PayloadIndex> fileIndex(const Segment& segment, const IndexField& field,
                                        const FileStamp& base, const FiledSegment& filed,
                                        bool mayWrite);

} // namespace vicinal
