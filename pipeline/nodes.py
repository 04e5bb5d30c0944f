"""How the nodes of a pipeline are named."""


def node_id(component: str, model: str = "") -> str:
    """Returns the id of a node, for a component that stands once per model with the model's name.

    >>> node_id("Transform"), node_id("Trainer", "emodb")
    ('Transform', 'Trainer.emodb')
    """
    return f"{component}.{model}" if model else component


def parts(node_id: str) -> tuple[str, str]:
    """Returns the component and the model of a node, as `node_id` took them.

    >>> parts("Transform"), parts("Trainer.emodb")
    (('Transform', ''), ('Trainer', 'emodb'))
    """
    component, _, model = node_id.partition(".")
    return component, model
