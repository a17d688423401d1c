/** A collection of photographs: two vectors and a text a point, payloads of many kinds. */
import { thumbnailOf } from './thumbnail.js'

export const PHOTOS = 200
const CAMERAS = ['Fuji', 'Leica', 'Nikon']

/** Makes the collection and fills it. */
export async function makePhotos(url: string, headers: Record<string, string> = {}): Promise<void> {
  const send = async (method: string, path: string, body: object) => {
    const answer = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  await send('PUT', '/collections/photos', {
    vectors: { image: { size: 8, distance: 'Cosine' }, text: { size: 4, distance: 'Dot' } },
  })
  await send('PUT', '/collections/photos/index?wait=true', { field_name: 'camera', field_schema: 'keyword' })
  await send('PUT', '/collections/photos/points?wait=true', { points: points() })
  // Three rows more, which rules keep back.
  const rules = [
    { vector: 'image', check: 'norm', min: 0.1, max: 100, action: 'quarantine' },
    { check: 'payload', key: 'iso', type: 'integer', action: 'quarantine' },
  ]
  await send('PATCH', '/collections/photos', { ingestion: { quarantine: 'kept-back', rules } })
  const [dim, bright, plain] = points().slice(0, 3) as { vector: { image: number[] }; payload: object }[]
  const wrong = [
    { ...dim, vector: { ...dim?.vector, image: dim?.vector.image.map((value) => value / 1000) } },
    { ...bright, vector: { ...bright?.vector, image: bright?.vector.image.map((value) => value * 1000) } },
    { ...plain, payload: { ...plain?.payload, iso: 'four hundred' } },
  ]
  await send('PUT', '/collections/photos/points?wait=true', {
    points: wrong.map((point, at) => ({ ...point, id: PHOTOS + at })),
  })
}

function points(): object[] {
  const vector = (id: number, size: number) => Array.from({ length: size }, (_, at) => Math.sin((id + 1) * (at + 1)))
  return Array.from({ length: PHOTOS }, (_, id) => ({
    id,
    vector: { image: vector(id, 8), text: vector(id, 4) },
    payload: {
      camera: CAMERAS[id % 3],
      taken: `2026-0${1 + (id % 9)}-11T10:00:00Z`,
      page: `https://photos.example/${id}`,
      tags: ['sea', id % 2 ? 'sun' : 'rain'],
      place: { lat: 51.2, lon: 3.4 },
      iso: 100 * (1 + (id % 4)),
      thumbnail: thumbnailOf(id),
    },
  }))
}
