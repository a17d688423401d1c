/** The reader of Parquet files, loaded when one is dropped. */
import { gunzipSync } from 'fflate'
import { decompress } from 'fzstd'
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects as read } from 'hyparquet'

export { parquetMetadataAsync }

/** Beside Snappy, which hyparquet reads itself. None of them needs WebAssembly, which the policy of the page refuses. */
const compressors = {
  GZIP: (packed: Uint8Array) => gunzipSync(packed),
  ZSTD: (packed: Uint8Array) => decompress(packed),
}

export async function asyncBufferFromFile(file: File): Promise<AsyncBuffer> {
  return { byteLength: file.size, slice: (from, to) => file.slice(from, to).arrayBuffer() }
}

type Asked = Omit<Parameters<typeof read>[0], 'compressors'>

export async function parquetReadObjects(asked: Asked): Promise<Record<string, unknown>[]> {
  return (await read({ ...asked, compressors })) as Record<string, unknown>[]
}
