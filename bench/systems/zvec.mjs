// @zvec/zvec: documents with string ids; its index is built by optimize. As float32, and as int8.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import zvec from '@zvec/zvec'
import { K } from '../lib/datasets.mjs'

export const buildThreads = 2
/** Documents of one insert; more are refused. */
const BATCH = 1000

const { ZVecDataType, ZVecIndexType, ZVecMetricType, ZVecQuantizeType } = zvec
const METRICS = { Cosine: ZVecMetricType.COSINE, Euclid: ZVecMetricType.L2 }

export const float32 = { buildThreads, note: 'float32', create: (options) => create(options, 'UNDEFINED'), open }
export const int8 = { buildThreads, note: 'int8', create: (options) => create(options, 'INT8'), open }

function start() {
  zvec.ZVecInitialize({ queryThreads: 2, optimizeThreads: buildThreads })
}

async function create({ folder, set, m, efConstruct }, quantization) {
  start()
  mkdirSync(dirname(folder), { recursive: true })
  const indexParams = {
    indexType: ZVecIndexType.HNSW,
    metricType: METRICS[set.distance],
    quantizeType: ZVecQuantizeType[quantization],
    m,
    efConstruction: efConstruct,
  }
  const vectors = { name: 'vector', dataType: ZVecDataType.VECTOR_FP32, dimension: set.dim, indexParams }
  const collection = zvec.ZVecCreateAndOpen(folder, new zvec.ZVecCollectionSchema({ name: 'bench', vectors }))
  return {
    add({ from, rows, dim, data }) {
      for (let start = 0; start < rows; start += BATCH) {
        const count = Math.min(BATCH, rows - start)
        const docs = Array.from({ length: count }, (_, i) => ({
          id: String(from + start + i),
          vectors: { vector: data.slice((start + i) * dim, (start + i + 1) * dim) },
        }))
        const failed = collection.insertSync(docs).find((status) => !status.ok)
        if (failed) throw new Error(`zvec refused a document: ${failed.message}`)
      }
    },
    finish: () => collection.optimize({ concurrency: buildThreads }),
    close: () => collection.closeSync(),
  }
}

async function open({ folder, isStarted }) {
  if (!isStarted) start()
  const collection = zvec.ZVecOpen(folder, { readOnly: true })
  const request = (vector, ef) => ({
    fieldName: 'vector',
    vector,
    topk: K,
    outputFields: [],
    params: { indexType: ZVecIndexType.HNSW, ef },
  })
  const ids = (docs) => docs.map((doc) => doc.id)
  return {
    sweeps: [
      { search: (query, ef) => ids(collection.querySync(request(query, ef))), sync: true, inFlight: 1 },
      { search: async (query, ef) => ids(await collection.query(request(query, ef))), sync: false, inFlight: 2 },
    ],
    close: () => collection.closeSync(),
  }
}
