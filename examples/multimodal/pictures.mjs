// Pictures as vectors: the last features of MobileNetV2 before its classes. The weights come with the package nsfwjs, so
// nothing is fetched. Its classes are of no use here; its features tell shapes and colours of any picture.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { PNG } from 'pngjs'

const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs')
const wasm = require('@tensorflow/tfjs-backend-wasm')
const { load } = require('nsfwjs')

export const PICTURE_SIZE = 1280
const FEATURES = 'flatten_1'
const WHITE = 255

export async function pictureEncoder() {
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`)
  await tf.setBackend('wasm')
  const model = await load('MobileNetV2')
  /** The features of a PNG file, on a white ground. */
  return (file) => {
    const { width, height, data } = PNG.sync.read(readFileSync(file))
    const pixels = new Int32Array(width * height * 3)
    for (let at = 0; at < width * height; at++) {
      const alpha = data[at * 4 + 3] / WHITE
      for (let colour = 0; colour < 3; colour++) {
        pixels[at * 3 + colour] = data[at * 4 + colour] * alpha + WHITE * (1 - alpha)
      }
    }
    const features = tf.tidy(() => model.infer(tf.tensor3d(pixels, [height, width, 3], 'int32'), FEATURES).flatten())
    const vector = Float32Array.from(features.dataSync())
    features.dispose()
    return vector
  }
}
