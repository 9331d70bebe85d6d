#pragma once

#include <hdf5.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace striate::detail {

/// The file below an HDF5 file being written: everything on disk always forms a valid HDF5 file.
///
/// HDF5 changes its metadata in place, block by block, whenever its cache likes to; a process killed in between leaves
/// a file that no reader opens. This driver holds back what would overwrite a byte of the last committed state:
/// - Space is only ever taken at the end of the file and never used twice, so nothing committed is overwritten by new
///   blocks; those go to disk at once, where no committed block points at them yet.
/// - Writes into committed space (superblock, object headers, chunk indices, partly filled chunks) are staged in
/// memory.
/// - A flush is the commit: the file is extended, then the superblock (whose end-of-file mark only grows), then the
///   chunk indices, heaps and data, then the object headers, which alone say how long a dataset is and what a group
///   holds. Each of these writes leaves a valid file: a header never promises what is not yet on disk.
/// Blocks of at most a page never straddle two pages, so that a kill does not tear them: the kernel looks for signals
/// between pages only. Larger blocks (a header of more than 4 KiB) keep a window of that one system call.
///
/// After the first write that fails (full disk, quota) the driver accepts and drops all further writes: the file stays
/// at the last commit and HDF5 can be closed in order. `failure` says what happened.
struct StagedFile {
  H5FD_t base;  ///< first: HDF5 casts between the two
  int descriptor = -1;
  int failure = 0;                                       ///< errno of the first failed write; 0 while all is well
  haddr_t end = 0;                                       ///< end of allocated space
  haddr_t committed = 0;                                 ///< bytes below belong to the last committed state
  std::map<haddr_t, std::vector<unsigned char>> staged;  ///< disjoint blocks that start in committed space
};

/// Sets the driver on a file access list.
void use_staged_driver(hid_t access_list);

/// The driver's file below an open HDF5 file.
StagedFile& staged_file(hid_t file);

}  // namespace striate::detail
