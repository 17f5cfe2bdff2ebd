// Which images: those that a catalogue lists, a JSON list of names such as `registry.example/team/app:1`.
import { fail, option, refuse, request } from './api.js';

class Enumerator {
  constructor(url) {
    this.url = url;
    this.done = false;
  }

  static open(config, position) {
    return new Enumerator(option(config, 'catalogue'));
  }

  // The next batch; `undefined` when all is told. A page that cannot be read is an error, never a shorter list.
  async next() {
    if (this.done) return undefined;
    const response = await request('GET', this.url);
    if (response.status !== 200) refuse(response);
    let names;
    try {
      names = await response.json();
    } catch (error) {
      fail('fatal', `the catalogue is not JSON: ${error.message}`);
    }
    if (!Array.isArray(names)) fail('fatal', 'the catalogue is no list of names');
    const images = names.map(image);
    this.done = true;
    return images;
  }

  // One page: a run that is resumed lists it again.
  position() {
    return undefined;
  }
}

function image(name) {
  const parts = /^([^/]+)\/(.+):([^:]+)$/.exec(name);
  if (!parts) fail('fatal', `the catalogue lists ${name}: expected registry/repository:tag`);
  const [, registry, repository, tag] = parts;
  return { source: { registry, repository, tag, digest: undefined }, targets: [], attributes: [] };
}

export const source = { Enumerator };
