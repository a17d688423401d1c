// @zvec/zvec: scalar fields with its inverted index, and a filter expression.
import { join } from 'node:path'
import zvec from '@zvec/zvec'
import { chunks, K } from '../lib/datasets.mjs'
import { COLUMNS } from '../lib/filters.mjs'
import { EFS } from '../lib/least-effort.mjs'

const THREADS = 2
/** Documents of one insert; more are refused. */
const BATCH = 1000
const { ZVecDataType, ZVecIndexType, ZVecMetricType, ZVecQuantizeType } = zvec
const METRICS = { Cosine: ZVecMetricType.COSINE, Euclid: ZVecMetricType.L2 }

export const float32 = { open: (options) => open(options, 'UNDEFINED') }
export const int8 = { open: (options) => open(options, 'INT8') }

async function open({ folder, set, columns, m, efConstruct }, quantization) {
  zvec.ZVecInitialize({ queryThreads: THREADS, optimizeThreads: THREADS })
  const indexParams = {
    indexType: ZVecIndexType.HNSW,
    metricType: METRICS[set.distance],
    quantizeType: ZVecQuantizeType[quantization],
    m,
    efConstruction: efConstruct,
  }
  const fields = COLUMNS.map((name) => ({
    name,
    dataType: ZVecDataType.INT32,
    indexParams: { indexType: ZVecIndexType.INVERT },
  }))
  const vectors = { name: 'vector', dataType: ZVecDataType.VECTOR_FP32, dimension: set.dim, indexParams }
  const schema = new zvec.ZVecCollectionSchema({ name: 'bench', vectors, fields })
  const collection = zvec.ZVecCreateAndOpen(join(folder, `zvec-${quantization}`), schema)
  for (const { from, rows, dim, data } of chunks(set.base, BATCH)) {
    const docs = Array.from({ length: rows }, (_, i) => ({
      id: String(from + i),
      vectors: { vector: data.slice(i * dim, (i + 1) * dim) },
      fields: columns.at(from + i),
    }))
    const failed = collection.insertSync(docs).find((status) => !status.ok)
    if (failed) throw new Error(`zvec refused a document: ${failed.message}`)
  }
  await collection.optimize({ concurrency: THREADS })
  return {
    efforts: EFS,
    search(vector, filter, ef) {
      const request = {
        fieldName: 'vector',
        vector,
        topk: K,
        outputFields: [],
        params: { indexType: ZVecIndexType.HNSW, ef },
      }
      if (filter) request.filter = `${filter.key} >= ${filter.from} AND ${filter.key} < ${filter.to}`
      return collection.querySync(request).map((doc) => doc.id)
    },
    sync: true,
    close: () => collection.closeSync(),
  }
}
