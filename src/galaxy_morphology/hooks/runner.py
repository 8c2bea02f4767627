"""Refusing ways to run that this project does not bear."""

from typing import Any

from kedro.framework.hooks import hook_impl


class RunnerHook:
    """Refuses runners that would run nodes side by side or load and save in the background."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Look at the runner before it runs anything.

        Raises:
            ValueError: It is another than the sequential one; says why.
        """
        for name in ("ThreadRunner", "ParallelRunner"):
            if name in str(run_params.get("runner")):
                raise ValueError(
                    f"{name} is not supported: run without it. Each node uses all cores, and what "
                    "is random in it draws from one state for the whole process."
                )

    @hook_impl(tryfirst=True)
    def before_node_run(self, is_async: bool) -> None:
        """Look, before the first node, whether data are saved in the background.

        Raises:
            ValueError: They are; says why they must not be.
        """
        if is_async:
            raise ValueError(
                "Loading and saving asynchronously is not supported: run without --async. A "
                "training saves its state after every epoch, in step."
            )
