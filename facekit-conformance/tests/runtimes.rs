//! Every runtime, and the pointers to one, under the same suite.

use std::sync::Arc;

use facekit::Runtime;
use facekit_conformance::runtime_suite;
use facekit_tract::Tract;

runtime_suite!(tract, Tract::new);
runtime_suite!(tract_boxed, || -> Box<dyn Runtime> {
    Box::new(Tract::new())
});
runtime_suite!(tract_shared, || -> Arc<dyn Runtime> {
    Arc::new(Tract::new())
});
