// A payload index as a file beside the segment file whose rows it covers. It is derived: one that
// is missing, damaged, of another segment file or of another index of the field is written anew, so
// no manifest names it. docs/data-format.md describes it.
#pragma once

#include <memory>
#include <string>

#include "filter/filed_index.hpp"
#include "segment/block_file.hpp"
#include "segment/segment_cooling.hpp"

namespace vicinal {

// Where the index of a field of this segment file is.
std::string indexPath(const std::string& segmentPath, const IndexField& field);

// Writes what the rows of the segment's file say. A file that is half written has no header.
Status writeIndexFile(const Segment& segment, const IndexField& field, const FileStamp& base,
                      const FiledSegment& filed);

// Maps it. CORRUPT where it is damaged or belongs to another segment file or another index.
Result<std::shared_ptr<FiledIndex>> openIndexFile(const IndexField& field, const FileStamp& base,
                                                  uint32_t rows);

// The file's if it is sound, else, where it `mayWrite`, a new one's; null where there is none.
std::shared_ptr<PayloadIndex> fileIndex(const Segment& segment, const IndexField& field,
                                        const FileStamp& base, const FiledSegment& filed,
                                        bool mayWrite);

} // namespace vicinal
