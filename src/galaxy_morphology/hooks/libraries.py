"""Undoing what was set for the libraries before the project was loaded."""

from kedro.framework.hooks import hook_impl

from galaxy_morphology import libraries


class LibrariesHook:
    """Gives libraries their defaults back, so that nobody's own settings of them shape a run."""

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Reset what is loaded already.

        Raises:
            ValueError: Keras is loaded with another backend than TensorFlow.
        """
        libraries.reset()
