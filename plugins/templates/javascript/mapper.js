// Where each image lands: under a namespace, and what is called `cache` not at all.
import { option } from './api.js';

// A function of the options and the image, so that a resumed run comes to the same names.
class Mapping {
  constructor(namespace) {
    this.namespace = namespace;
  }

  static open(config) {
    return new Mapping(option(config, 'namespace'));
  }

  mapImages(images) {
    return images.map(({ source }) => ({ tag: 'ok', val: this.destinations(source.repository) }));
  }

  destinations(repository) {
    if (repository.split('/').at(-1) === 'cache') return [];
    return [{ registry: undefined, repository: `${this.namespace}/${repository}`, tag: undefined }];
  }
}

export const mapper = { Mapping };
